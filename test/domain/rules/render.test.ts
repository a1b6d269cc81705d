import { describe, expect, it } from 'vitest';
import type { Rendering } from '../../../src/domain/rules/choices.ts';
import { FORMATS } from '../../../src/domain/rules/choices.ts';
import { MAX_WORK } from '../../../src/domain/rules/liquid/work.ts';
import { messageOf } from '../../../src/domain/rules/message.ts';
import { render } from '../../../src/domain/rules/render.ts';
import { slackMessage } from '../../../src/domain/rules/slack.ts';
import { aNotice } from '../../support/notices.ts';
import { VISITOR } from './events.ts';

const bytesOf = (event: unknown) => new TextEncoder().encode(typeof event === 'string' ? event : JSON.stringify(event));
const NOTHING: Rendering = { fields: null, format: 'event', template: null, name: 'Sales' };
const rendered = (rendering: Partial<Rendering>, event: unknown = VISITOR) => {
  const { payload, error } = render({ ...NOTHING, ...rendering }, bytesOf(event));
  return payload ? new TextDecoder().decode(payload) : { error };
};

const alert = aNotice();

describe('rendering', () => {
  it('gives the very bytes that were accepted where nothing is chosen', () => {
    const accepted = bytesOf('{ "event" : "a.b",\n"n": 12345678901234567890 }');
    expect(render(NOTHING, accepted).payload).toBe(accepted);
  });

  it('gives the very bytes that were accepted where what is chosen changes nothing of them', () => {
    const accepted = bytesOf('{"event":"a.b","timestamp":"2026-01-01","organization_id":"o","n":12345678901234567890}');
    const unchanging: Partial<Rendering>[] = [
      { fields: ['n'] },
      { format: 'flat' },
      {
        format: 'template',
        template:
          '{"event":{{ event | json }},"timestamp":{{ timestamp | json }},"organization_id":{{ organization_id | json }},"n":12345678901234567890}',
      },
    ];
    for (const rendering of unchanging) expect(render({ ...NOTHING, ...rendering }, accepted).payload).toBe(accepted);
    // Of the same length, and another.
    expect(rendered({ format: 'template', template: '[1]' }, '{ }')).toBe('[1]');
  });

  it('chooses fields first, with their source text, and then the form', () => {
    const event =
      '{"event":"a","timestamp":"2026-01-01","organization_id":"o","visitor":{"id":12345678901234567890,"email":"a@b.example"},"b":1}';
    const head = '{"event":"a","timestamp":"2026-01-01","organization_id":"o"';
    expect(rendered({ fields: ['visitor.id'] }, event)).toBe(`${head},"visitor":{"id":12345678901234567890}}`);
    expect(rendered({ fields: ['visitor.id'], format: 'flat' }, event)).toBe(`${head},"visitor_id":12345678901234567890}`);
    expect(rendered({ format: 'flat' }, event)).toBe(`${head},"visitor_id":12345678901234567890,"visitor_email":"a@b.example","b":1}`);
    expect(rendered({ fields: ['b'], format: 'template', template: '[{{ visitor.email | json }}, {{ b }}]' }, event)).toBe('[null, 1]');
    expect(rendered({ fields: ['visitor.email'], format: 'discord' }, event)).toContain('a@b.example');
    expect(rendered({ fields: ['b'], format: 'discord' }, event)).not.toContain('a@b.example');
  });

  it('makes a message of the event, named for the webhook', () => {
    expect(rendered({ format: 'slack' })).toBe(JSON.stringify(slackMessage(messageOf(VISITOR, 'Sales'))));
    expect(rendered({ format: 'teams' })).toContain('"type":"AdaptiveCard"');
    expect(rendered({ format: 'discord' })).toContain('"embeds"');
  });

  it.each(FORMATS)("leaves the service's own events all their fields, and gives them the form: %s", (format) => {
    const template = '{{ webhook.id | json }}';
    expect(rendered({ fields: ['visitor.email'], format, template }, alert)).toBe(rendered({ fields: null, format, template }, alert));
    expect(rendered({ fields: ['visitor.email'], format, template }, alert)).toMatch(/whk\\*_1/);
  });

  it('says how much work it took, also where it comes to nothing', () => {
    const workOf = (rendering: Partial<Rendering>, event: unknown = VISITOR) => render({ ...NOTHING, ...rendering }, bytesOf(event)).work;
    const loop = (times: number, end: string) => ({
      format: 'template' as const,
      template: `{% for i in (1..${times}) %}{% endfor %}${end}`,
    });
    expect(workOf({})).toBe(0);
    expect(workOf({ format: 'flat' })).toBeGreaterThan(0);
    // Many small values take more than a large one.
    const [many, large] = [
      { ...VISITOR, n: Array(10_000).fill(1) },
      { ...VISITOR, n: 'x'.repeat(20_000) },
    ];
    expect(workOf({ format: 'flat' }, many)).toBeGreaterThan(10 * workOf({ format: 'flat' }, large));
    const short = workOf(loop(10, '{}'));
    expect(workOf(loop(1_000, '{}'))).toBeGreaterThan(10 * short);
    expect(workOf(loop(1_000, 'no JSON'))).toBeGreaterThan(10 * short);
    expect(workOf(loop(20_000, '{}'))).toBeGreaterThan(MAX_WORK / 2);
  });

  it('says why it has made nothing', () => {
    expect(rendered({ format: 'template', template: '{{ event }}' })).toEqual({
      error:
        'Line 1, column 1 of the template: what it makes is not JSON: it goes wrong here; values are written as `{{ visitor.email | json }}`.',
    });
    expect(rendered({ format: 'template', template: null })).toEqual({ error: expect.stringContaining('it makes nothing') });
    const deep = {
      event: 'a',
      timestamp: '2026-01-01',
      organization_id: 'o',
      ['k'.repeat(30_000)]: Array.from({ length: 10 }, () => ({ a: 1 })),
    };
    expect(rendered({ format: 'flat' }, deep)).toEqual({ error: 'On one level the event would have more than 250000 bytes.' });
  });
});
