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
    for (const canvas of document.querySelectorAll('#canvas, #outcome')) name(canvas);
    const bar = document.getElementById('offer'), when = bar?.querySelector('time');
    bar?.toggleAttribute('data-work', Boolean(offered));
    if (when && offered && !when.textContent) when.textContent = said(offered.when);
  };
  const name = (canvas) => { // keys reach it, and its first button undoes the zoom, no edit
    const [tip] = TIPS[lang].zoom, button = canvas.querySelector('.icon-button');
    Object.assign(canvas, { tabIndex: 0, role: 'group', ariaLabel: canvas.title });
    if (button && button.title !== tip) Object.assign(button, { title: tip, ariaLabel: tip });
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

  // Leaving a list of choices with Tab closes it: Gradio would open it once more on the way out.
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && event.target.matches?.('[role=combobox]')) event.stopPropagation();
  }, true);

  // What this browser keeps of the last work, to go on with after a reload. It is read once, when
  // the page opens: what is done meanwhile takes its place in the storage, but not in the offer.
  const KEPT = 'latent-studio.work';
  let offered = null;
  const said = (when) => '(' + new Intl.DateTimeFormat(document.documentElement.lang || 'en', {
    dateStyle: 'medium', timeStyle: 'short' }).format(new Date(when)) + ')';
  const stored = () => {
    try { return JSON.parse(localStorage.getItem(KEPT)); } catch { return null; }
  };
  const offer = (work) => {
    offered = work;
    hang();
  };
  const fileOf = (data) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    return new File([bytes], 'work.studio');
  };

  // Saved work goes where saved work is opened.
  const WORK = /\.(studio|npz)$/i;
  const reopen = (file) => give(document.querySelector('#open')?.parentElement
    .querySelector('input[type=file]'), file);
  const give = (input, file) => {
    if (!input) return;
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  };

  // A picture may be pasted or dropped anywhere: it goes where photos go.
  const filled = async () => {
    const find = () => document.querySelector('#photo input[type=file]');
    document.querySelector('#photo button[aria-label="Remove Image"]')?.click();
    for (let tries = 0; tries < 40 && !find(); tries++) await new Promise((done) => setTimeout(done, 50));
    return find();
  };
  const take = async (file) => give(await filled(), file);
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
  // Before the photo box hears of it: that one would take anything for a photo.
  document.addEventListener('drop', (event) => {
    const work = [...(event.dataTransfer?.files || [])].find((file) => WORK.test(file.name));
    if (!work) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    reopen(work);
  }, true);
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
    keep: (work) => {
      if (!work) return;
      const whole = JSON.stringify({ ...work, when: Date.now() });
      try { localStorage.setItem(KEPT, whole); } catch { /* full, or forbidden */ }
    },
    resume: () => {
      const work = offered;
      offer(null);
      if (work) reopen(fileOf(work.data));
    },
    forget: () => {
      offer(null);
      try { localStorage.removeItem(KEPT); } catch { /* forbidden */ }
    },
    // A link that the page was opened by is used once; the address is then that of any visitor.
    arrived: '',
    arrive: (domain) => {
      const work = stored();
      if (work?.of === domain) offer(work);
      const here = new URL(location.href);
      const [key] = ['recipe', 'work'].filter((name) => here.searchParams.has(name));
      if (!key) return;
      window.latentStudio.arrived = `?${key}=${here.searchParams.get(key)}`;
      here.searchParams.delete(key);
      history.replaceState(null, '', here);
      document.getElementById('open-link')?.click();
    },
    address: (query) => (query ? `${location.origin}${location.pathname}?${query}` : ''),
    // Where the attributes' sliders stand that are there, by name.
    strengths: () => Object.fromEntries(
      [...document.querySelectorAll('#sliders [id^="slider-"]')].flatMap((slider) => {
        const range = slider.querySelector('input[type=range]');
        return range ? [[slider.id.slice('slider-'.length), Number(range.value)]] : [];
      }),
    ),
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
