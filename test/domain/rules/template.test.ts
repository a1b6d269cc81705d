import fc from 'fast-check';
import { Liquid } from 'liquidjs';
import { describe, expect, it } from 'vitest';
import { fill, parse } from '../../../src/domain/rules/liquid/engine.ts';
import { checkTemplate, renderTemplate } from '../../../src/domain/rules/template.ts';
import { anyText, nearly, oddJson } from '../../support/fuzz.ts';
import { VISITOR } from './events.ts';

const textOf = (template: string, event: unknown = VISITOR) => renderTemplate(template, event).text;
const errorOf = (template: string, event: unknown = VISITOR) => renderTemplate(template, event).error;

describe('a template', () => {
  it("has the event's own fields as variables, and writes values with `json`", () => {
    expect(textOf('{"type": {{ event | json }}, "to": {{ visitor.email | json }}, "size": {{ company.employee_count | json }}}')).toBe(
      '{"type": "visitor.identified", "to": "jane.doe@example.com", "size": 250}',
    );
  });

  it('writes what is missing as null, and escapes what JSON needs escaped', () => {
    const event = { visitor: { name: 'Jane "J" Doe\n\u2028\ud800', list: [1, { a: null }], no: false } };
    const template = '[{{ visitor.name | json }}, {{ visitor.list | json }}, {{ visitor.no | json }}, {{ visitor.nope.nor | json }}]';
    expect(JSON.parse(textOf(template, event) as string)).toEqual(['Jane "J" Doe\n\u2028\ud800', [1, { a: null }], false, null]);
  });

  it('has conditions, loops, assignments, captures, cases and comments', () => {
    const template = `{%- comment %} for the CRM {% endcomment -%}
      {%- assign size = company.employee_count -%}
      {%- capture name %}{{ visitor.first_name }} {{ visitor.last_name }}{% endcapture -%}
      {
        "name": {{ name | json }},
        "tier": {% if size >= 200 and company.industry contains "Software" %}"A"{% elsif size > 50 %}"B"{% else %}"C"{% endif %},
        "device": {% case session.device_type %}{% when "mobile", "tablet" %}1{% when "desktop" %}2{% else %}3{% endcase %},
        "pages": [{% for page in pages reversed %}{{ forloop.index }}, {{ page | json }}{% unless forloop.last %}, {% endunless %}{% endfor %}],
        "some": [{% for page in pages limit: 1 offset: 1 %}{{ page | json }}{% endfor %}],
        "none": [{% for page in nothing %}1{% else %}0{% endfor %}],
        "squares": [{% for i in (1..3) %}{% if i == 3 %}{% break %}{% endif %}{{ i | times: i }},{% endfor %}0],
        "raw": "{% raw %}{{ x }}{% endraw %}",
        "liquid": {% liquid
          assign first = pages | first
          echo first | json
        %}
      }`;
    expect(JSON.parse(textOf(template, { ...VISITOR, pages: ['/a', '/b'] }) as string)).toEqual({
      name: 'Jane Doe',
      tier: 'A',
      device: 2,
      pages: [1, '/b', 2, '/a'],
      some: ['/b'],
      none: [0],
      squares: [1, 4, 0],
      raw: '{{ x }}',
      liquid: '/a',
    });
  });

  it.each([
    ['"a-b" | split: "-" | join: "+"', 'a+b'],
    ['"x" | append: "y" | prepend: "w" | upcase', 'WXY'],
    ['"a,b,a" | split: "," | uniq | size', 2],
    ['"aXbX" | replace: "X", "-" | remove_last: "-"', 'a-b'],
    ['list | where: "id", 2 | map: "name"', ['b']],
    ['list | sort: "name" | reverse | map: "id"', [2, 1]],
    ['list | sum: "id" | divided_by: 2', 1.5],
    ['list | find: "name", "a"', { id: 1, name: 'a' }],
    ['"2026-11-23T14:05:09+01:00" | date: "%Y-%m-%d %H:%M %A"', '2026-11-23 13:05 Monday'],
    ['"2026-11-23T14:05:09Z" | date: "%H:%M", "America/New_York"', '09:05'],
    ['nothing | default: "x"', 'x'],
    ['"a b&c" | url_encode', 'a+b%26c'],
    ['"Jane Doe" | truncate: 6', 'Jan...'],
    ['"Jane Doe" | slice: 5, "3"', 'Doe'],
    ['"a b c" | truncatewords: 2', 'a b...'],
    ['"é" | base64_encode | base64_decode', 'é'],
    ['(1..3)', [1, 2, 3]],
  ])('has the filters of Liquid: %s', (expression, value) => {
    const event = {
      list: [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ],
    };
    expect(JSON.parse(textOf(`{% assign x = ${expression} %}{{ x | json }}`, event) as string)).toEqual(value);
  });

  it('has ranges and limits of numbers, of texts that are numbers, and of what is missing', () => {
    const loops = '{% for i in (1..two) %}{{ i }},{% endfor %}{% for i in list limit: one offset: continue %}{{ i }},{% endfor %}';
    expect(textOf(`[${loops}{% for i in (1..missing) %}{{ i }},{% endfor %}0]`, { two: 2, one: '1', list: [8, 9] })).toBe('[1,2,8,0]');
  });

  it('sees nothing but what the event itself has', () => {
    const event = JSON.parse('{"visitor": {"__proto__": {"x": 1}}, "list": []}');
    const names = [
      'constructor',
      '__proto__',
      'visitor.constructor',
      'visitor.toString',
      'list.constructor',
      'list.map',
      'event',
      'forloop',
    ];
    expect(textOf(`[${names.map((name) => `{{ ${name} | json }}`).join()}]`, event)).toBe(`[${names.map(() => 'null').join()}]`);
    expect(textOf('{{ visitor.__proto__ | json }}', event)).toBe('{"x":1}');
  });

  it('does not change the event', () => {
    const event = { list: [3, 1, 2], visitor: { a: 1 } };
    textOf(
      '{% assign visitor = 1 %}{% assign x = list | sort | reverse | concat: list %}{% capture list %}{% endcapture %}{{ x | json }}',
      event,
    );
    expect(event).toEqual({ list: [3, 1, 2], visitor: { a: 1 } });
  });

  it('makes at most 250,000 bytes', () => {
    const event = (rest: number) => ({ a: 'x'.repeat(100_000), b: 'é'.repeat(rest / 2) });
    const template = '"{{ a }}{{ a }}{{ b }}"';
    expect(new TextEncoder().encode(textOf(template, event(49_998)) as string)).toHaveLength(250_000);
    expect(errorOf(template, event(50_000))).toMatch(/more than 250000 bytes/);
  });

  it('is sent as well-formed Unicode', () => {
    expect(textOf('"{{ x }}"', { x: 'a\ud800b' })).toBe('"a\ufffdb"');
  });
});

describe('a flaw in a template', () => {
  it.each([
    ['{\n  "a": {{ visitor.email | nope }}\n}', 2, 8, 'undefined filter: nope'],
    ['{\n  "a": {{ visitor.email }\n}', 2, 8, 'output "{{ visitor.email }\\n}" not closed'],
    ['{\n\n{% if a %}1', 3, 1, 'tag {% if a %} not closed'],
    ['{% cycle 1 %}', 1, 1, 'tag "cycle" not found'],
    ['{}\n {% include "x" %}', 2, 2, '`include` is not available: a template stands alone'],
    ['{% render "x" %}', 1, 1, '`render` is not available: a template stands alone'],
    ['{% layout "x" %}', 1, 1, '`layout` is not available: a template stands alone'],
    ['{{ list | where_exp: "x", "y" }}', 1, 1, 'undefined filter: where_exp'],
    ['{{ list | where: 1 }}', 1, 1, '`where` takes the name of a property, without brackets, of at most 100 characters'],
    ['{{ a | append }}', 1, 1, 'append expect 2 arguments'],
  ])('is told with its place: %j', (template, line, column, message) => {
    expect(checkTemplate(template, [{}])).toEqual({ line, column, message: expect.stringContaining(message) });
  });

  it('in what it makes is told at the part of the template that made it', () => {
    const placeOf = (template: string, event: unknown) =>
      errorOf(template, event)
        ?.match(/^Line (\d+), column (\d+)/)
        ?.slice(1)
        .map(Number);
    expect(placeOf('{\n  "a": {{ x }}\n}', { x: 'Jane' })).toEqual([2, 8]);
    expect(placeOf('{\n  "a": {{ x }},\n  "b" 1}', { x: 1 })).toEqual([3, 7]);
    expect(placeOf('[\n{%- for i in x -%}\n  {{ i }},\n{%- endfor -%}\n]', { x: [1, 2] })).toEqual([5, 1]);
    expect(placeOf('{% capture a %}{% endcapture %}[\n{{ a }}{{ x }}]', { x: 'b' })).toEqual([2, 8]);
    expect(errorOf('{"a": 1', {})).toMatch(/^Line 1, column \d of the template: what it makes is not JSON: it ends too early/);
    expect(errorOf('{% if x %}1{% endif %}', {})).toBe(
      'Line 1, column 1 of the template: it makes nothing, not even an empty JSON object.',
    );
  });

  it('is told on the first example that shows it', () => {
    const template = '{"to": {{ visitor.email | append: "" | json }}, "who": {{ webhook.name }}}';
    const examples = [null, 'no event', { event: 'webhook.failing', webhook: { name: '"x"' } }, VISITOR];
    expect(checkTemplate(template, examples)).toEqual({
      line: 1,
      column: 74,
      message: expect.stringMatching(/^what it makes is not JSON: it goes wrong here;.* \(with the example of `visitor.identified`\)$/),
    });
    expect(checkTemplate(template, examples.slice(0, 3))).toBeNull();
    expect(checkTemplate('{}', [])).toBeNull();
  });

  it('never quotes the event', () => {
    const secret = 'jane.doe@example.com';
    const event = { visitor: { email: secret, [secret]: secret, bad: '%zz' }, odd: { toString: secret } };
    const templates = [
      '{{ "2026-01-01" | date: "%d", visitor.email }}',
      '{{ visitor.email | base64_decode }}',
      '{{ visitor.bad | url_decode }}',
      '{{ odd }}',
      '{{ odd | plus: 1 }}',
      '{{ list | map: visitor }}',
      '{{ visitor.email }}',
      '{% for i in (1..visitor.email) %}{% endfor %}',
      '{{ visitor | sort }}',
    ];
    for (const template of templates) {
      const error = errorOf(template, event);
      expect(error).toMatch(/^Line 1, column \d+ of the template: ./);
      expect(error).not.toContain('jane');
      expect(error).not.toContain('zz');
    }
  });
});

describe('any template', () => {
  const snippets = fc.constantFrom(
    ...[
      '{{ visitor.email | json }}',
      '{{ a.b[0] | default: 1 }}',
      '{% if a == b %}',
      '{% elsif c contains "x" %}',
      '{% else %}',
      '{% endif %}',
      '{% for i in a %}',
    ],
    ...[
      '{% for i in (1..a.size) reversed limit: 2 %}',
      '{{ i }}',
      '{{ forloop.index }}',
      '{% endfor %}',
      '{% assign b = a | sort: "x" | first %}',
      '{% capture c %}',
    ],
    ...[
      '{% endcapture %}',
      '{% case a %}',
      '{% when 1, "x", b %}',
      '{% endcase %}',
      '{% unless b %}',
      '{% endunless %}',
      '{% break %}',
      '{% continue %}',
      '{{ c | size }}',
    ],
    ...[
      '{{- a -}}',
      ' \n ',
      '{',
      '"x": ',
      '[',
      ']',
      ',',
      '}',
      '{% raw %}',
      '{% endraw %}',
      '{% liquid\necho a | join: ","\n%}',
      '{{ a | map: "b" | uniq | json }}',
      '{{ empty }}',
    ],
  );
  const template = fc.oneof(
    fc.array(snippets, { maxLength: 12 }).map((parts) => parts.join('')),
    nearly(snippets),
    anyText,
  );
  const event = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'visitor'), oddJson);

  it('gives JSON or an error with a place, and throws nothing', () => {
    const either = fc.property(template, event, (source, value) => {
      const { text, error } = renderTemplate(source, value);
      if (text !== null) JSON.parse(text);
      else expect(error).toMatch(/^Line \d+, column \d+ of the template: .+\.$/s);
      const flaw = checkTemplate(source, [value]);
      expect(flaw === null).toBe(text !== null);
    });
    fc.assert(either, { numRuns: 1_000 });
  });

  it('makes what liquidjs makes by itself, where it is within the limits', () => {
    const rival = new Liquid({ strictFilters: true, ownPropertyOnly: true, locale: 'en-US', timezoneOffset: 0 });
    rival.registerFilter('json', (value: unknown) => JSON.stringify(value ?? null));
    let compared = 0;
    const same = fc.property(template, event, (source, value) => {
      const parsed = parse(source);
      const filled = parsed.flaw ? parsed : fill(parsed.template, value);
      if (filled.flaw) return;
      compared++;
      expect(filled.text).toBe(rival.parseAndRenderSync(source, value));
    });
    fc.assert(same, { numRuns: 1_000 });
    expect(compared).toBeGreaterThan(150);
  });
});
