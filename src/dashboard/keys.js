/*
 * Keys of the dashboard's pages: `/` searches, `j` and `k` move through the rows of a list or from one delivery to the next, `?` shows the keys.
 * Not while somebody types, not with a modifier, and not for whoever turns them off in the list of keys. A file of its own beside dashboard-start.js.
 */
(() => {
  const SWITCH = 'bullseye_keys';
  const ROW_LINK = '.stacking tbody th a[href]';

  const dialog = document.getElementById('keys');
  const hint = document.getElementById('keys-open');
  const choice = document.getElementById('keys-on');
  if (!dialog || !hint || !choice) return;

  const isOn = () => localStorage.getItem(SWITCH) !== 'off';

  function isTyping(target) {
    return target.closest?.('input, textarea, select, [contenteditable]') !== null;
  }

  function search() {
    const field = document.querySelector('main input[type="search"]');
    if (!field) return false;
    // It may be among filters that are folded away.
    const folded = field.closest('details:not([open])');
    if (folded) folded.open = true;
    field.focus();
    field.select();
    return true;
  }

  /** To the row after or before the one that has the focus; on a page without rows, to the delivery before or after. */
  function move(step) {
    const links = [...document.querySelectorAll(ROW_LINK)].filter((link) => link.checkVisibility());
    if (links.length === 0) {
      const link = document.querySelector(step > 0 ? 'a[rel="next"]' : 'a[rel="prev"]');
      link?.click();
      return link !== null;
    }
    const row = document.activeElement?.closest('tr');
    const at = row ? links.findIndex((link) => row.contains(link)) : -1;
    const next = links[at === -1 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1)];
    next.focus();
    next.closest('tr').scrollIntoView({ block: 'nearest' });
    return true;
  }

  function show() {
    choice.checked = isOn();
    dialog.showModal();
    return true;
  }

  const ACTIONS = { '/': search, j: () => move(1), k: () => move(-1), '?': show };

  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === 'Escape' && event.target.matches?.('input[type="search"]') && event.target.value === '') event.target.blur();
    if (dialog.open || isTyping(event.target) || !isOn()) return;
    if (Object.hasOwn(ACTIONS, event.key) && ACTIONS[event.key]()) event.preventDefault();
  });

  hint.hidden = false;
  hint.addEventListener('click', show);
  choice.addEventListener('change', () => localStorage.setItem(SWITCH, choice.checked ? 'on' : 'off'));
})();
