import { describe, expect, it } from 'vitest';
import { checkTemplate, renderTemplate } from '../../src/domain/rules/template.ts';
import { HOSTILE_TEMPLATES } from '../support/hostile-templates.ts';

/*
 * Templates come from customers, events from websites: either may be made to keep a Worker busy. Each of these ends by what it counts, never by a
 * clock, with an error that says where. They run in the Workers runtime: its stack and its formatters are what counts.
 */
describe('a hostile template', () => {
  it.each(HOSTILE_TEMPLATES)('ends, and says what is wrong: $name', ({ template, event, error: words }) => {
    const { text, error } = renderTemplate(template, event);
    expect(text).toBeNull();
    expect(error).toMatch(/^Line \d+, column \d+ of the template: /);
    expect(error).toMatch(words);
  });

  it.each(HOSTILE_TEMPLATES)('cannot be saved where its example shows it: $name', ({ template, event }) => {
    expect(checkTemplate(template, [event])).toEqual({ message: expect.any(String), line: expect.any(Number), column: expect.any(Number) });
  });

  it('leaves the next one as it was', () => {
    expect(renderTemplate('{"a": {{ items.size | json }}}', { items: [1] })).toEqual({ text: '{"a": 1}', error: null });
  });
});
