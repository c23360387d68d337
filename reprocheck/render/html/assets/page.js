'use strict';
// Colours, filters, copying and printing. The page is complete without it.
(() => {
  const MOST_UNFOLDED = 200;
  const root = document.documentElement;
  const said = document.getElementById('said');
  for (const element of document.querySelectorAll('[data-needs-script]')) element.hidden = false;

  // Colours: the system's choice until somebody presses the button; nothing is stored.
  const theme = document.getElementById('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const applied = () => {
    theme.setAttribute('aria-pressed', String(isDark()));
    document.dispatchEvent(new Event('colours'));
  };
  theme.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    applied();
  });
  system.addEventListener('change', applied);
  theme.setAttribute('aria-pressed', String(isDark()));

  // Filters: every word must occur in a row, and every chosen value be the row's own.
  for (const form of document.querySelectorAll('form[data-filters]')) {
    const list = document.getElementById(form.dataset.filters);
    const nothing = document.getElementById(`${form.dataset.filters}-nothing`);
    const output = form.querySelector('output');
    const rows = [...list.querySelectorAll('[data-row]')].map((element) => ({ element, text: null }));
    const groups = [...list.querySelectorAll('[data-group]')].map((element) => ({
      element,
      count: element.querySelector('[data-count]'),
      rows: [...element.querySelectorAll('[data-row]')],
      open: element.open,
    }));
    const apply = () => {
      const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = [...form.querySelectorAll('select')].filter((select) => select.value !== '*');
      const active = words.length > 0 || wanted.length > 0;
      let shown = 0;
      for (const row of rows) {
        if (words.length && row.text === null) row.text = row.element.textContent.toLowerCase();
        const fits =
          wanted.every((select) => row.element.dataset[select.name] === select.value) &&
          words.every((word) => row.text.includes(word));
        if (row.element.hidden === fits) row.element.hidden = !fits;
        if (fits) shown += 1;
      }
      for (const group of groups) {
        const left = group.rows.filter((row) => !row.hidden).length;
        group.element.hidden = left === 0;
        group.element.open = active && shown <= MOST_UNFOLDED ? left > 0 : group.open;
        group.count.textContent = active ? `${left} of ${group.rows.length}` : String(group.rows.length);
      }
      nothing.hidden = shown > 0;
      output.textContent = `${shown} of ${rows.length} ${form.dataset.noun} shown`;
    };
    // Typing goes on while a long list waits for the word to be complete.
    const PAUSE = rows.length > 1000 ? 150 : 0;
    let waiting = 0;
    const soon = () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, PAUSE);
    };
    form.addEventListener('input', soon);
    form.addEventListener('reset', soon);
    form.addEventListener('submit', (event) => event.preventDefault());
  }

  // Copying: what is in the box beside the button, character for character.
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('button.copy');
    if (!button) return;
    const code = button.parentElement.querySelector('code');
    let done = 'Copied';
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      done = 'Selected: press Ctrl+C';
    }
    button.textContent = done;
    said.textContent = done;
    setTimeout(() => {
      button.textContent = 'Copy';
      said.textContent = '';
    }, 3000);
  });

  // On paper nothing can be unfolded: everything is, and afterwards it is as before.
  let folded = [];
  addEventListener('beforeprint', () => {
    folded = [...document.querySelectorAll('main details:not([open])')];
    for (const element of folded) element.open = true;
  });
  addEventListener('afterprint', () => {
    for (const element of folded) element.open = false;
    folded = [];
  });
})();
