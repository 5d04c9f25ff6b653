// The canvas beyond Gradio: a zoom that outlives an edit, keys for it, pages that scroll past it.
(() => {
  const NOTCH = 100; // pixels that one notch of a mouse wheel scrolls; touchpads send far less
  const STEPS = 3; // of 5 % each: what a notch or a key zooms by
  const LINE = 0.05, PAN = 40; // how far a key moves the line (of the width) and a zoomed picture

  const canvasOf = (target) => target.closest?.('#canvas, #outcome');
  const wheel = (target, deltaY, x, y) => target.dispatchEvent(new WheelEvent('wheel', {
    deltaY, clientX: x, clientY: y, bubbles: true, cancelable: true }));
  const mouse = (target, type, x, y) => target.dispatchEvent(new MouseEvent(type, {
    view: window, clientX: x, clientY: y, bubbles: true, cancelable: true }));

  // Gradio forgets the zoom whenever a picture loads, which is at each move of an attribute.
  const shapes = new WeakMap();
  document.addEventListener('load', (event) => {
    const picture = event.target;
    if (picture.tagName !== 'IMG' || !canvasOf(picture)) return;
    const shape = (picture.naturalWidth / picture.naturalHeight).toFixed(2);
    if (shapes.get(picture) === shape) event.stopImmediatePropagation();
    shapes.set(picture, shape);
  }, true);

  // Gradio takes one step, and none where the pointer is on the line.
  document.addEventListener('wheel', (event) => {
    const canvas = canvasOf(event.target), onLine = event.target.closest?.('.outer');
    if (!event.isTrusted || !canvas) return;
    if (onLine) event.preventDefault();
    const slow = Math.abs(event.deltaY) < NOTCH && event.deltaMode === 0;
    for (let step = onLine ? 0 : 1; step < (slow ? 1 : STEPS); step++) {
      wheel(canvas.querySelector('img'), event.deltaY, event.clientX, event.clientY);
    }
  }, { passive: false });

  // One finger on a picture that is not zoomed scrolls the page; two zoom, as Gradio has it.
  const isZoomed = (canvas) => new DOMMatrix(canvas.querySelector('img')?.style.transform).a > 1;
  document.addEventListener('touchstart', (event) => {
    const canvas = canvasOf(event.target);
    if (!canvas || event.touches.length > 1 || event.target.closest('.outer, button')) return;
    if (!isZoomed(canvas)) event.stopPropagation();
  }, { capture: true, passive: true });

  const keys = {
    '+': (canvas) => zoom(canvas, -1),
    '-': (canvas) => zoom(canvas, 1),
    0: (canvas) => canvas.querySelector('.icon-button')?.click(),
    ArrowLeft: (canvas, shift) => (shift ? pan(canvas, PAN, 0) : slide(canvas, -LINE)),
    ArrowRight: (canvas, shift) => (shift ? pan(canvas, -PAN, 0) : slide(canvas, LINE)),
    ArrowUp: (canvas, shift) => shift && pan(canvas, 0, PAN),
    ArrowDown: (canvas, shift) => shift && pan(canvas, 0, -PAN),
  };
  const middle = (canvas) => {
    const box = canvas.querySelector('.slider-wrap').getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const zoom = (canvas, deltaY) => {
    for (let step = 0; step < STEPS; step++) wheel(canvas.querySelector('img'), deltaY, ...middle(canvas));
  };
  const pan = (canvas, right, down) => {
    const [x, y] = middle(canvas);
    mouse(canvas.querySelector('img'), 'mousedown', x, y);
    mouse(document, 'mousemove', x + right, y + down);
    mouse(document, 'mouseup', x + right, y + down);
  };
  const slide = (canvas, share) => {
    const line = canvas.querySelector('.outer'), box = line.parentElement.getBoundingClientRect();
    const at = new DOMMatrix(line.style.transform).e + share * box.width;
    mouse(line, 'mousedown', box.x + at, box.y);
    mouse(window, 'mouseup', box.x + at, box.y);
  };
  document.addEventListener('keydown', (event) => {
    const key = event.key === '=' ? '+' : event.key, canvas = event.target;
    if (!canvas.matches?.('#canvas, #outcome') || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(key in keys) || keys[key](canvas, event.shiftKey) === false) return;
    event.preventDefault();
  });
})();
