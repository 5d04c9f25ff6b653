// What Gradio leaves out: hover texts, sliders by keyboard, shortcuts, photos from anywhere.
(() => {
  const TIPS = /* TIPS */ {};
  const REST = 350; // milliseconds that arrow keys must rest before the slider counts as let go
  let lang = 'en';

  const hang = () => {
    for (const [id, [tip, off]] of Object.entries(TIPS[lang] || {})) {
      const element = document.getElementById(id);
      if (!element) continue;
      const button = element.matches('button') ? element : element.querySelector('button');
      const text = button && button.disabled ? off : tip;
      if (element.title !== text) element.title = text;
    }
  };
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; hang(); }, 200);
  }).observe(document, { subtree: true, childList: true, attributeFilter: ['disabled'] });

  // Gradio's sliders fire "release" for the pointer only. A run of arrow keys is one release.
  const MOVES = /^(Arrow|Home|End|Page)/;
  let held = null, timer = 0; // the slider that keys have moved and nothing has let go of yet
  const letGo = () => {
    clearTimeout(timer);
    const slider = held;
    held = null;
    if (slider) slider.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
  };
  const isRange = (element) => element.matches?.('input[type=range]');
  document.addEventListener('keydown', (event) => {
    if (!isRange(event.target) || !MOVES.test(event.key)) return;
    clearTimeout(timer);
    held = event.target;
  });
  document.addEventListener('keyup', (event) => {
    if (event.target !== held) return;
    clearTimeout(timer);
    timer = setTimeout(letGo, REST);
  });
  document.addEventListener('focusout', letGo);

  // A number typed beside a slider counts on Enter too, and stays within the slider's ends.
  const isNumber = (element) => element.matches?.('.tab-like-container input[type=number]');
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && isNumber(event.target)) event.target.blur();
  });
  const rangeOf = (number) => number.closest('.wrap').querySelector('input[type=range]');
  const inside = (number) => {
    const range = rangeOf(number);
    if (number.value === '') return Number(range.value);
    return Math.min(Math.max(Number(number.value), Number(range.min)), Number(range.max));
  };
  const sound = (number) => number.value !== '' && inside(number) === Number(number.value);
  document.addEventListener('input', (event) => { // half-written: nothing for the server yet
    if (isNumber(event.target) && !sound(event.target)) event.stopImmediatePropagation();
  }, true);
  document.addEventListener('blur', (event) => {
    const number = event.target;
    if (!isNumber(number) || sound(number)) return;
    number.value = inside(number);
    number.dispatchEvent(new Event('input', { bubbles: true }));
  }, true);

  // Undo and redo, except where somebody writes.
  const WRITING = 'textarea, [contenteditable=true], input:not([type=range], [type=radio], [type=checkbox])';
  document.addEventListener('keydown', (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !'zy'.includes(key)) return;
    if (event.target.matches?.(WRITING)) return;
    event.preventDefault();
    letGo();
    document.getElementById(key === 'y' || event.shiftKey ? 'redo' : 'undo')?.click();
  });

  // A picture may be pasted or dropped anywhere: it goes where photos go.
  const filled = async () => {
    const find = () => document.querySelector('#photo input[type=file]');
    document.querySelector('#photo button[aria-label="Remove Image"]')?.click();
    for (let tries = 0; tries < 40 && !find(); tries++) await new Promise((done) => setTimeout(done, 50));
    return find();
  };
  const take = async (file) => {
    const input = await filled();
    if (!input) return;
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  };
  const pictureOf = (data) => [...(data?.files || [])].find((file) => file.type.startsWith('image/'));
  document.addEventListener('paste', (event) => {
    const picture = pictureOf(event.clipboardData);
    if (!picture) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    take(picture);
  }, true);
  const holdsFiles = (event) => event.dataTransfer?.types.includes('Files');
  document.addEventListener('dragover', (event) => { if (holdsFiles(event)) event.preventDefault(); });
  document.addEventListener('drop', (event) => {
    const picture = pictureOf(event.dataTransfer);
    if (!picture || event.defaultPrevented) return;
    event.preventDefault();
    take(picture);
  });

  window.latentStudio = {
    speak: (value) => {
      lang = value;
      document.documentElement.lang = value === 'zh' ? 'zh-CN' : 'en';
      hang();
    },
    // The file was made on demand and its link is in the hidden button by now.
    save: (file) => {
      if (!file) return;
      const link = document.createElement('a');
      link.href = file.url;
      link.download = file.orig_name || '';
      document.body.appendChild(link);
      link.click();
      link.remove();
    },
  };
})();
