import type { Page } from 'playwright-core';

/** Widths that pages are looked at in, in CSS pixels: phones, tablets, half a screen, 200 % zoom of 1,280 (640), desktops. */
export const WIDTHS = [320, 360, 390, 414, 480, 560, 620, 640, 700, 768, 834, 900, 1_024, 1_280, 1_440, 1_600] as const;

/**
 * Runs in the page: what is drawn where it should not be. Texts are compared line by line, by the letters' own height, and everything that
 * is pressed or filled in by its frame.
 */
function faultsOfLayout(): string[] {
  /** Letters and frames may share so many pixels: of rounding, and of a line's spacing. */
  const TOLERANCE = 2;
  interface Box {
    owner: Element;
    says: string;
    rect: Frame;
  }
  interface Frame {
    left: number;
    right: number;
    top: number;
    bottom: number;
  }
  const boxes: Box[] = [];
  const faults: string[] = [];
  const name = (element: Element) =>
    `<${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ''}${element.classList.length > 0 ? `.${[...element.classList].join('.')}` : ''}>`;
  const isSeen = (element: Element) => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    // For screen readers alone.
    for (let each: Element | null = element; each; each = each.parentElement) if (getComputedStyle(each).clipPath !== 'none') return false;
    return true;
  };
  /** Within what scrolls by itself, or is cut with an ellipsis, on purpose. */
  const isContained = (element: Element) => {
    for (let each: Element | null = element; each && each !== document.body; each = each.parentElement) {
      const { overflowX, textOverflow } = getComputedStyle(each);
      if (overflowX === 'auto' || overflowX === 'scroll' || textOverflow === 'ellipsis') return true;
    }
    return false;
  };

  /** As much of it as is not scrolled out of what it stands in. */
  const shownOf = (element: Element, rect: Frame): Frame => {
    let { left, right, top, bottom } = rect;
    for (let each: Element | null = element; each && each !== document.body; each = each.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(each);
      if (overflowX === 'visible' && overflowY === 'visible') continue;
      const around = each.getBoundingClientRect();
      [left, right] = [Math.max(left, around.left), Math.min(right, around.right)];
      [top, bottom] = [Math.max(top, around.top), Math.min(bottom, around.bottom)];
    }
    return { left, right, top, bottom };
  };
  const add = (owner: Element, says: string, rect: Frame) => {
    if (rect.right > rect.left && rect.bottom > rect.top) boxes.push({ owner, says, rect });
  };

  for (const element of document.querySelectorAll('body *')) {
    if (!isSeen(element)) continue;
    const { overflowX } = getComputedStyle(element);
    if (overflowX === 'hidden' && element.scrollWidth > element.clientWidth + TOLERANCE && !isContained(element))
      faults.push(`cuts off ${element.scrollWidth - element.clientWidth} px: ${name(element)}`);
    if (element.matches('input, select, textarea, button, .button, .badge, .tag, img, svg.icon, svg.chart-sparkline'))
      add(element, name(element), shownOf(element, element.getBoundingClientRect()));
    if (element.closest('svg, select, option')) continue;
    for (const node of element.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.textContent?.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const says = `${name(element)} “${node.textContent.trim().slice(0, 30)}”`;
      for (const rect of range.getClientRects()) add(element, says, shownOf(element, rect));
    }
  }
  for (const { owner, says, rect } of boxes)
    if (!isContained(owner) && (rect.left < -TOLERANCE || rect.right > innerWidth + TOLERANCE))
      faults.push(`leaves the page, ${Math.round(rect.left)} to ${Math.round(rect.right)}: ${says}`);
  const beyond = document.documentElement.scrollWidth - innerWidth;
  if (beyond > 0) {
    const candidates = [...document.querySelectorAll('body *')].filter((element) => isSeen(element) && !isContained(element));
    const widest = candidates.reduce((a, b) => (b.getBoundingClientRect().right > a.getBoundingClientRect().right ? b : a));
    faults.push(`scrolls sideways by ${beyond} px: ${name(widest)}`);
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
}

/** What is wrong with the layout of the page as it is shown, in lines such as `640 px: …`, at each width. */
export async function layoutFaults(page: Page, widths: readonly number[] = WIDTHS): Promise<string[]> {
  const faults: string[] = [];
  await page.waitForLoadState();
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    const found = await page.evaluate(`(${faultsOfLayout.toString()})()`);
    faults.push(...(found as string[]).map((fault) => `${width} px: ${fault}`));
  }
  return faults;
}
