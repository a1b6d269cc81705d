import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeliveryContent } from '../../src/dashboard/deliveries/delivery-page.tsx';
import { layOutJson } from '../../src/dashboard/parts/json-layout.ts';
import { Room } from '../../src/dashboard/parts/room.ts';
import { withinCpuTime } from '../support/cpu-time.ts';

/*
 * What endpoints answer and producers post is anybody's: however it is made, a delivery's page opens. In Node, where a page takes no
 * more of the CPU than in the Workers runtime, and less of the test's time.
 */
const MAX_BYTES = 500_000;
const MAX_MS = 200;
/** What the log keeps of an answer; what an event has at most. */
const ANSWER = 16_000;
const PAYLOAD = 100_000;
/** What it can become by being rendered. */
const RENDERED = 250_000;

type Props = Parameters<typeof DeliveryContent>[0];

const TIME = '2026-11-26T12:00:00.000Z';

interface Written {
  payload: string;
  accepted?: string;
  body: string;
  encoding?: 'utf-8' | 'base64';
  headers?: Record<string, string>;
  attempts?: number;
  url?: string;
}

/** As long as one can be, and with what is escaped most. */
const LONGEST_URL = `https://hooks.example.com/?${"'".repeat(2_020)}`;

async function render({
  payload,
  accepted,
  body,
  encoding = 'utf-8',
  headers = {},
  attempts = 1,
  url = 'https://hooks.example.com/in',
}: Written): Promise<string> {
  const attempt = {
    ...{ trigger: 'manual', startedAt: TIME, durationMs: 12, outcome: 'failed', responseStatus: 500, responseBodyTruncated: true },
    ...{
      url,
      requestHeaders: headers,
      responseHeaders: headers,
      responseBody: body,
      responseBodyEncoding: encoding,
      error: 'The endpoint answered 500',
    },
  };
  const delivery = {
    ...{
      id: 'dlv_1',
      eventId: 'evt_1',
      event: 'visitor.identified',
      sessionId: 's'.repeat(256),
      status: 'failed',
      reason: 'attempts_exhausted',
    },
    ...{ attemptCount: attempts, nextAttemptAt: null, createdAt: TIME, finishedAt: TIME, payload, payloadErasedAt: null },
    ...{ acceptedPayload: accepted ?? null, error: null },
    attempts: Array.from({ length: attempts }, (_, index) => ({ ...attempt, number: index + 1 })),
  };
  const webhook = {
    id: 'whk_1',
    organizationId: 'org_1',
    url: LONGEST_URL,
    enabled: true,
    health: 'healthy',
  };
  const visit = { can: () => true, organization: { plan: 'scale' }, nowMs: 0 };
  const props = { delivery, webhook, visit } as unknown as Props;
  return String(await DeliveryContent(props).toString());
}

const bytesOf = (text: string) => new TextEncoder().encode(text).length;

/** A text of a length, made of a piece over and over. */
const filled = (piece: string, length: number) => piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
const nested = (open: string, close: string, length: number) => {
  const depth = Math.floor(length / (open.length + close.length));
  return open.repeat(depth) + close.repeat(depth);
};

const hostile: Record<string, (length: number) => string> = {
  'nested lists': (length) => nested('[', ']', length),
  'nested objects': (length) => nested('{"":', '}', length - 1).replace(/\}/, '1}'),
  'nested as deep as an event may': (length) => `${'['.repeat(98)}${filled('[0],', length - 200)}0${']'.repeat(98)}`,
  'many short items': (length) => `[${filled('1,', length - 3)}1]`,
  'many empty lists': (length) => `[${filled('[],', length - 4)}[]]`,
  'quotes, which take six times their size': (length) => filled('"', length),
  'a text of quotes': (length) => JSON.stringify(filled('"', length / 2 - 2)),
  backslashes: (length) => JSON.stringify(filled('\\', length / 2 - 2)),
  markup: (length) => filled('<script>&\'"</script>', length),
  'text of three bytes a character': (length) => filled('\u202e\u2028字', length / 3),
  'characters out of the first plane': (length) => filled('𝕏', length / 4),
  'control characters': (length) => filled('\u0000\u0007\u001b', length),
  'halves of characters': (length) => filled('\ud800\udc00\udc00', length / 3),
  'white space': (length) => `[${filled(' \n', length - 2)}]`,
};

async function rendered(written: Written): Promise<string> {
  const html = await withinCpuTime(MAX_MS, () => render(written));
  expect(bytesOf(html)).toBeLessThan(MAX_BYTES);
  return html;
}

describe.each(Object.entries(hostile))('%s', (_what, make) => {
  it.each([1, 5, 50])('in a payload, in answers and in headers of %i attempts make a page that opens', async (attempts) => {
    const headers = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`x-${at}${'n'.repeat(50)}`, make(1_000)]));
    const html = await rendered({ payload: make(PAYLOAD), body: make(ANSWER), headers, attempts, url: LONGEST_URL });
    // Not `toContain`, whose message would be the page.
    expect(html.includes(`Attempt ${attempts}`)).toBe(true);
    // So many cannot all be shown: it says where they are.
    if (attempts === 50) expect(html.includes('GET /api/v1/organization/org_1/webhooks/whk_1/deliveries/dlv_1')).toBe(true);
  });

  it('in an event and in what was made of it, make a page that opens', async () => {
    const html = await rendered({ payload: make(RENDERED), accepted: make(PAYLOAD), body: make(ANSWER), attempts: 5, url: LONGEST_URL });
    expect(html.includes('The event as it was received')).toBe(true);
  });
});

it('any texts make a page that opens', async () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('[', '{"a":', '"', '\\', '<b>', '&', "'", ',', '\u202e', '\ud800', '0', '\n'),
  );
  const text = (most: number) =>
    fc.tuple(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.nat(most), fc.boolean()).map(([pieces, length, quoted]) => {
      const made = filled(pieces.join('') || 'x', length);
      return quoted ? JSON.stringify([made]).slice(0, most) : made;
    });
  await fc.assert(
    fc.asyncProperty(text(RENDERED), text(ANSWER), text(1_000), fc.integer({ min: 1, max: 50 }), async (payload, body, value, attempts) => {
      await rendered({ payload, accepted: payload.slice(0, PAYLOAD), body, headers: { a: value, b: value }, attempts, url: LONGEST_URL });
    }),
    { numRuns: 60 },
  );
}, 60_000);

it('an ordinary delivery is shown whole, all its attempts with it', async () => {
  const payload = JSON.stringify({ event: 'visitor.identified', visitor: { email: 'a@b.example', note: 'n'.repeat(1_000) } });
  const headers = { 'content-type': 'application/json', server: 'nginx' };
  const html = await rendered({ payload, body: '{"error":"not today"}', headers, attempts: 8 });
  expect(html.includes('cut here')).toBe(false);
  expect(html.match(/not today/g)).toHaveLength(8);
  expect(html.match(/Copy as curl/g)).toHaveLength(8);
  expect(html.includes('Copy payload')).toBe(true);
});

describe('the room of a page', () => {
  it('never gives more than it has, cuts no character, and counts what is sent', () => {
    const page = (text: string) =>
      text.replace(/[&<>"']/g, (char) => `&#${' '.repeat(char === '"' ? 3 : char === '<' || char === '>' ? 1 : 2)};`);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 200 })), fc.nat(500), (texts, bytes) => {
        const room = new Room(bytes);
        let sent = 0;
        for (const text of texts) {
          const left = room.left;
          const { text: taken, isCut } = room.take(text);
          expect(text.startsWith(taken)).toBe(true);
          expect(isCut).toBe(taken !== text);
          expect(taken.isWellFormed()).toBe(text.slice(0, taken.length).isWellFormed());
          expect(left - room.left).toBe(bytesOf(page(taken)));
          sent += bytesOf(page(taken));
        }
        expect(sent).toBeLessThanOrEqual(bytes);
      }),
    );
  });

  it('gives a text that is of no use in part whole or not at all', () => {
    const room = new Room(10);
    expect(room.takeWhole('"""')).toBeNull();
    expect(room.takeWhole('"abcd')).toBe('"abcd');
    expect(room.left).toBe(0);
  });
});

describe('JSON laid out', () => {
  it('means the same, whatever it is, and is laid out as JSON.stringify does it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const value = JSON.parse(text);
        expect(layOutJson(text)).toBe(JSON.stringify(value, null, 2));
        expect(layOutJson(JSON.stringify(value, null, 7))).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  it('ends where no more of it is of use', () => {
    const text = `[${filled('[1,{"a":2}],', 90_000)}0]`;
    expect(layOutJson(text, 1_000).length).toBeLessThan(1_300);
    expect(layOutJson(text).startsWith(layOutJson(text, 1_000))).toBe(true);
  });

  it('is left as it is where it nests deeper than 100 levels', () => {
    const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(layOutJson(deep(101))).toContain('\n');
    expect(layOutJson(deep(8_000))).toBe(deep(8_000));
  });
});
