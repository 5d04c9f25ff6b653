// What Gradio leaves out: hover texts, a release for the keyboard, one-click downloads.
(() => {
  const TIPS = /* TIPS */ {};
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

  // Gradio's sliders fire "release" for the pointer only; arrow keys commit when they come up.
  document.addEventListener('keyup', (event) => {
    if (event.target.matches('input[type=range]') && event.key !== 'Tab') {
      event.target.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
    }
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
