import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUNBOOK_ASSET } from '../../operator/paths.ts';
import { PROJECT_ROOT } from '../wrangler.ts';
import { escapeHtml, renderMarkdown } from './markdown.ts';

/** Where the static server finds it, below the folder of the assets. The Worker shows it to operators alone (src/operator/runbook-page.ts). */
export const RUNBOOK_FILE = `${RUNBOOK_ASSET.slice(1)}.html`;

/** Links to other documents of the repository lead to what can be looked up there: they are not served. */
function linkTo(href: string): string {
  return /^[a-z]+:|^#/.test(href) ? href : `#in-the-repository-docs/${href}`;
}

/** docs/runbook.md as a page. Each log event of its tables has its name as an id, so that a line of the log leads to its row. */
export function runbookPage(): string {
  const markdown = readFileSync(join(PROJECT_ROOT, 'docs/runbook.md'), 'utf8');
  const { html, title, sections } = renderMarkdown(markdown, 'runbook.md', {}, linkTo);
  const parts = sections.filter(({ level }) => level === 2).map(({ id, text }) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} · Operating webhooks</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/docs-assets/docs.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/operator"><span class="brand-mark" aria-hidden="true"></span>Operating webhooks</a>
</header>
<div class="columns">
<main id="main">
<article>
${withEventIds(asText(html))}
</article>
</main>
<nav class="contents" id="contents" aria-label="On this page">
<ul>${parts.join('\n')}</ul>
</nav>
</div>
</body>
</html>
`;
}

/** What is in the repository alone is named, and not linked. */
function asText(html: string): string {
  return html.replaceAll(/<a href="#in-the-repository-(docs\/[^"]*)">(.*?)<\/a>/gs, '$2 (<code>$1</code>)');
}

/** In the first cells of rows. */
function withEventIds(html: string): string {
  return html.replaceAll(/<tr><td>.*?<\/td>/gs, (cell) => cell.replaceAll(/<code>([a-z_]+\.[a-z_]+)<\/code>/g, '<code id="$1">$1</code>'));
}
