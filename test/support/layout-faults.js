/*
 * Runs in a page: what is drawn where it should not be, as lines. Texts are compared line by line, by the letters' own height; everything
 * that is pressed or filled in, and marks such as badges, by its frame.
 */
(() => {
  /** Letters and frames may share so many pixels: of rounding, and of a line's spacing. */
  const TOLERANCE = 2;
  const FRAMED = 'input, select, textarea, button, .button, .badge, .tag, img, svg.icon, svg.chart-sparkline';
  const boxes = [];
  const faults = [];

  const nameOf = ({ tagName, id, classList }) =>
    `<${tagName.toLowerCase()}${id ? `#${id}` : ''}${[...classList].map((name) => `.${name}`).join('')}>`;
  const withParents = function* (element) {
    for (let each = element; each && each !== document.body; each = each.parentElement) yield each;
  };
  /** What is cut off whole is for screen readers alone. */
  const isSeen = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    [...withParents(element)].every((each) => getComputedStyle(each).clipPath === 'none');
  /** Within what scrolls by itself, or ends with an ellipsis, on purpose. */
  const isContained = (element) =>
    [...withParents(element)].some((each) => {
      const { overflowX, textOverflow } = getComputedStyle(each);
      return overflowX === 'auto' || overflowX === 'scroll' || textOverflow === 'ellipsis';
    });
  /** As much of it as is not scrolled out of what it stands in. */
  const shownOf = (element, { left, right, top, bottom }) => {
    const shown = { left, right, top, bottom };
    for (const each of withParents(element)) {
      const { overflowX, overflowY } = getComputedStyle(each);
      if (overflowX === 'visible' && overflowY === 'visible') continue;
      const around = each.getBoundingClientRect();
      shown.left = Math.max(shown.left, around.left);
      shown.right = Math.min(shown.right, around.right);
      shown.top = Math.max(shown.top, around.top);
      shown.bottom = Math.min(shown.bottom, around.bottom);
    }
    return shown;
  };
  const add = (owner, says, rect) => {
    const shown = shownOf(owner, rect);
    if (shown.right > shown.left && shown.bottom > shown.top) boxes.push({ owner, says, rect: shown });
  };

  for (const element of document.querySelectorAll('body *')) {
    if (!isSeen(element)) continue;
    const cut = element.scrollWidth - element.clientWidth;
    if (getComputedStyle(element).overflowX === 'hidden' && cut > TOLERANCE && !isContained(element))
      faults.push(`cuts off ${cut} px: ${nameOf(element)}`);
    if (element.matches(FRAMED)) add(element, nameOf(element), element.getBoundingClientRect());
    if (element.closest('svg, select')) continue;
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.textContent.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) add(element, `${nameOf(element)} “${node.textContent.trim().slice(0, 30)}”`, rect);
    }
  }

  for (const { owner, says, rect } of boxes)
    if (!isContained(owner) && (rect.left < -TOLERANCE || rect.right > innerWidth + TOLERANCE))
      faults.push(`leaves the page, ${Math.round(rect.left)} to ${Math.round(rect.right)}: ${says}`);

  const beyond = document.documentElement.scrollWidth - innerWidth;
  if (beyond > 0) {
    const right = (element) => element.getBoundingClientRect().right;
    const candidates = [...document.querySelectorAll('body *')].filter((element) => isSeen(element) && !isContained(element));
    faults.push(`scrolls sideways by ${beyond} px: ${nameOf(candidates.reduce((a, b) => (right(b) > right(a) ? b : a)))}`);
  }

  boxes.sort((a, b) => a.rect.top - b.rect.top);
  for (const [index, a] of boxes.entries()) {
    for (const b of boxes.slice(index + 1)) {
      if (b.rect.top >= a.rect.bottom - TOLERANCE) break;
      if (a.owner.contains(b.owner) || b.owner.contains(a.owner)) continue;
      const across = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left);
      const down = Math.min(a.rect.bottom, b.rect.bottom) - b.rect.top;
      if (across > TOLERANCE && down > TOLERANCE)
        faults.push(`overlap by ${Math.round(across)} × ${Math.round(down)} px: ${a.says} and ${b.says}`);
    }
  }
  return faults;
})();
