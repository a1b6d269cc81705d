import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createOrganization, createWebhook } from '../support/api.ts';
import { PAGES, signedIn, type Visitor, visitor } from '../support/dashboard.ts';
import { anyText, nearly } from '../support/fuzz.ts';

/*
 * The dashboard's pages, fed what no browser sends: cookies, queries and forms that are nearly right, and noise. Whatever comes, it is never a
 * fault of ours, and a cookie that was not given out opens nothing. A failure prints its seed and its smallest case.
 */
const RUNS = 250;
const COOKIE = 'bullseye_session';

let person: Visitor;
let webhookId: string;
let token: string;

beforeAll(async () => {
  const organization = await createOrganization();
  ({ id: webhookId } = await createWebhook(organization, { enabled: false }));
  person = await signedIn(organization);
  token = [...person.cookies].find(([name]) => name.endsWith(COOKIE))?.[1] as string;
});

/** What a header can carry: the rest does not get as far as a Worker. */
const header = (text: string): string => text.replace(/[^\x20-\x7e\x80-\xff]/g, '').trim();

const fields = fc.dictionary(
  fc.constantFrom(
    ...[
      'url',
      'description',
      'events',
      'secret',
      'secretChoice',
      'maxPerSecond',
      'maxConcurrent',
      'overlap',
      'since',
      'until',
      'key',
      'next',
      'confirm',
      'eventType',
      'held',
    ],
  ),
  fc.oneof(nearly(fc.constantFrom('https://hooks.example.com/in', '*', 'own', '3600', '2026-11-23', '2026-11-23T10:00', '5')), anyText),
  { maxKeys: 6 },
);

describe('the pages', () => {
  it('open to no cookie that was not given out', async () => {
    const cookie = fc.oneof(
      nearly(fc.constant(0).map(() => token)).filter((text) => text !== token),
      anyText,
    );
    await fc.assert(
      fc.asyncProperty(cookie, fc.constantFrom(COOKIE, `__Host-${COOKIE}`), async (value, name) => {
        fc.pre(header(value) !== token);
        const answer = await visitor().get('', { Cookie: header(`${name}=${value}`) });
        expect(answer.status).toBe(303);
        expect(answer.location).toMatch(new RegExp(`^${PAGES}/sign-in`));
      }),
      { numRuns: RUNS },
    );
  });

  it('answer whatever is asked of them', async () => {
    const page = fc.constantFrom(
      '',
      'new',
      'audit-log',
      'audit-log/export',
      'usage',
      'usage/export',
      'sessions',
      'ID',
      'ID/edit',
      'ID/settings',
      'ID/deliveries',
      'ID/deliveries/dlv_1',
      'ID/deliveries/export',
      'ID/verify',
      'ID/setup',
      'ID/test-event',
      'ID/delete',
      'sign-in',
    );
    const query = fc.dictionary(
      fc.constantFrom(
        ...[
          'status',
          'event',
          'response',
          'minAttempts',
          'from',
          'to',
          'zone',
          'range',
          'format',
          'q',
          'cursor',
          'period',
          'next',
          'limit',
        ],
      ),
      fc.oneof(
        nearly(fc.constantFrom('failed', '24h', '4xx', 'Asia/Kolkata', '2026-11-23', '2026-11-23T14:05', 'WzEsImEiXQ', PAGES)),
        anyText,
      ),
      { maxKeys: 4 },
    );
    await fc.assert(
      fc.asyncProperty(page, query, async (path, asked) => {
        const text = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, value.toWellFormed()])).toString();
        const { status } = await person.get(`${path.replace('ID', webhookId)}?${text}`);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: RUNS },
    );
  });

  it('take whatever is posted to them', async () => {
    const form = fc.constantFrom('new', 'ID/edit', 'ID/secret/rotate', 'ID/deliveries/dlv_1/retry', 'sign-in', 'ID/secret/reveal');
    await fc.assert(
      fc.asyncProperty(form, fields, async (path, posted) => {
        const sent = Object.fromEntries(Object.entries(posted).map(([name, value]) => [name, value.toWellFormed()]));
        const { status } = await (path === 'sign-in' ? visitor() : person).post(path.replace('ID', webhookId), sent);
        expect(status).toBeLessThan(500);
      }),
      { numRuns: RUNS },
    );
  });
});
