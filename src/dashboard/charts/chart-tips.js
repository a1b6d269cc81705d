/*
 * What a chart says of the bar that is pointed at, touched, or reached by the arrow keys: a line below it. Without a script a bar has the browser's
 * own tip, and each chart a table.
 */
(() => {
  /** The bars of a chart from the left to the right, those without anything included. */
  const barsOf = (frame) => [...frame.querySelectorAll('.chart-hover')];
  const wordsOf = (bar) => (bar.closest('.chart-bucket') ?? bar).querySelector('title')?.textContent ?? '';

  /** The line below a chart. */
  function tipOf(frame) {
    const next = frame.nextElementSibling;
    if (next?.classList.contains('chart-tip')) return next;
    const tip = document.createElement('p');
    tip.className = 'chart-tip';
    tip.setAttribute('aria-live', 'polite');
    tip.textContent = frame.dataset.hint;
    frame.after(tip);
    return tip;
  }

  function choose(frame, bar) {
    for (const each of frame.querySelectorAll('.chosen')) each.classList.remove('chosen');
    bar?.classList.add('chosen');
    tipOf(frame).textContent = bar ? wordsOf(bar) : frame.dataset.hint;
  }

  function barAt(frame, x) {
    return barsOf(frame).find((bar) => {
      const { left, right } = bar.getBoundingClientRect();
      const gap = (right - left) / 4;
      return x >= left - gap && x <= right + gap;
    });
  }

  function prepare() {
    for (const frame of document.querySelectorAll('.chart-frame')) {
      if (frame.tabIndex === 0) continue;
      frame.tabIndex = 0;
      tipOf(frame);
    }
  }

  const frameOf = (event) => event.target.closest?.('.chart-frame');

  for (const type of ['pointermove', 'pointerdown'])
    document.addEventListener(type, (event) => {
      const frame = frameOf(event);
      const bar = frame && barAt(frame, event.clientX);
      if (bar && !bar.classList.contains('chosen')) choose(frame, bar);
    });

  const TARGETS = {
    ArrowRight: (at, last) => Math.min(at + 1, last),
    ArrowLeft: (at, last) => (at === -1 ? last : Math.max(at - 1, 0)),
    Home: () => 0,
    End: (_at, last) => last,
  };

  document.addEventListener('keydown', (event) => {
    const frame = frameOf(event);
    if (!frame || event.ctrlKey || event.altKey || event.metaKey) return;
    const bars = barsOf(frame);
    if (event.key === 'Escape') choose(frame, null);
    if (!Object.hasOwn(TARGETS, event.key) || bars.length === 0) return;
    event.preventDefault();
    const at = bars.findIndex((bar) => bar.classList.contains('chosen'));
    choose(frame, bars[TARGETS[event.key](at, bars.length - 1)]);
  });

  document.addEventListener('refreshed', prepare);
  prepare();
})();
