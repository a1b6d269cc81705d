import { describe, expect, test } from 'vitest';
import { addressOf, idOf, renderMarkdown } from '../../../src/commands/docs/markdown.ts';

const render = (markdown: string, inserts = {}) => renderMarkdown(markdown, 'webhooks/index.md', inserts);

describe('a page of Markdown', () => {
  test('has headings that can be linked to, by ids as GitHub makes them', () => {
    expect(idOf("What's sent: filters, formats")).toBe('whats-sent-filters-formats');
    const { html, title, sections } = render('# One\n\nFirst.\n\n## Same `code`\n\n## Same `code`\n\n```sh\n## no heading\n```\n');
    expect(title).toBe('One');
    expect(sections.map(({ level, id, text }) => [level, id, text])).toEqual([
      [1, 'one', 'One'],
      [2, 'same-code', 'Same code'],
      [2, 'same-code-1', 'Same code'],
    ]);
    expect(sections.map(({ body }) => body)).toEqual(['First.', '', 'no heading']);
    expect(html).toContain('<h2 id="same-code">Same <code>code</code></h2>');
  });

  test('shows code as it is, and says what a block is', () => {
    const { html } = render('```json answer\n{ "a": "<b> & c" }\n```\n');
    expect(html).toContain('<figcaption>Answer</figcaption>');
    expect(html).toContain('{ &quot;a&quot;: &quot;&lt;b&gt; &amp; c&quot; }');
  });

  test.each([
    ['payload.md', '/docs/webhooks/payload'],
    ['../recipes.md#into-n8n', '/docs/recipes#into-n8n'],
    ['../index.md', '/docs'],
    ['#part', '#part'],
    ['/docs/api', '/docs/api'],
    ['https://example.com/', 'https://example.com/'],
  ])('links %s to %s', (href, address) => {
    expect(addressOf(href, 'webhooks/index.md')).toBe(address);
  });

  test.each(['nothing.md', '../../README.md', '../contents.ts'])('cannot be built with a link to %s', (href) => {
    expect(() => render(`# A\n\n[b](${href})\n`)).toThrow(href);
  });

  test('takes what is made of the source in the place of its name, and cannot be built where there is no such thing', () => {
    expect(render('# A\n\n<!-- table -->\n', { table: '<table></table>' }).html).toContain('<table></table>');
    expect(() => render('# A\n\n<!-- tabel -->\n')).toThrow('tabel');
  });

  test('has tables that scroll by themselves, with a keyboard as well', () => {
    const { html } = render('# A\n\n| a | b |\n| --- | --- |\n| `c` | d |\n');
    expect(html).toContain('<div class="table" role="group" aria-label="Table" tabindex="0"><table>');
    expect(html).toContain('<th scope="col">a</th>');
    expect(html).toContain('<td><code>c</code></td>');
  });
});
