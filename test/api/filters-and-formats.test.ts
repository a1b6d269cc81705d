import { afterEach, describe, expect, it, vi } from 'vitest';
import text from '../../src/docs/filters-and-formats.md?raw';
import { FORMATS } from '../../src/domain/rules/choices.ts';
import { type Leaf, OPERATORS } from '../../src/domain/rules/condition.ts';
import { type Answer, client, createKey, createWebhook, expectStatus, platform, type TestOrganization } from '../support/api.ts';
import { aMessage, anEvent, consume, endedDeliveriesOf, endpointInbox } from '../support/deliveries.ts';
import { type Block, blocksOf, codesIn, rowsOf, sectionsOf } from '../support/document.ts';
import { tellAtOnce } from '../support/telling.ts';

/*
 * The examples of src/docs/filters-and-formats.md. A block is asked of the API (`json preview`, `liquid`, `json webhook`, `json changes`, `json events`),
 * and the next one is what must come of it.
 */

const sections = sectionsOf(text);
const blocks = blocksOf(text);
const eventText = blocks.find(({ kind }) => kind === 'json event')?.content ?? '';

/** The organization of the page. The platform's key is used for previews: an organization's could ask for too few in a minute. */
const acme = async (): Promise<TestOrganization> => {
  const path = '/organization/org_acme';
  await platform.put(path, { name: 'Acme', plan: 'scale' });
  const key = await createKey('org_acme', ['admin']);
  return { id: 'org_acme', path, key, admin: client(key) };
};

type Asked = (content: string, before: { id?: string } | null) => Promise<{ answer: Answer; webhook: { id?: string } | null }>;

/** A block that asks something, by its kind. */
const ASKED: Record<string, Asked> = {
  'json preview': async (content) => preview(content),
  liquid: async (content) => preview(JSON.stringify({ format: 'template', template: content })),
  'json webhook': async (content) => {
    const input = { url: endpointInbox().url, events: ['visitor.identified'], ...JSON.parse(content) };
    const organization = await acme();
    const answer = await organization.admin.post(`${organization.path}/webhooks`, input);
    return { answer, webhook: answer.body };
  },
  'json changes': async (content, webhook) => {
    const organization = await acme();
    const path = `${organization.path}/webhooks/${webhook?.id}`;
    return { answer: await expectStatus(organization.admin.patch(path, JSON.parse(content)), 200), webhook };
  },
};

async function preview(body: string) {
  const { path } = await acme();
  const given = JSON.parse(body);
  const answer = await platform.post(`${path}/webhooks/preview`, { event: JSON.parse(eventText), ...given });
  return { answer: await expectStatus(Promise.resolve(answer), 200), webhook: null };
}

/** What must come of it, by the kind of the block that says so. */
const CHECKS: Record<string, (answer: Answer, content: string) => void> = {
  'json answer': ({ status, body }, content) => {
    expect([200, 201]).toContain(status);
    expect(body).toMatchObject(JSON.parse(content));
  },
  'json payload': ({ body }, content) => expect(JSON.parse(body.payload)).toEqual(JSON.parse(content)),
  'json refused': ({ status, body }, content) => {
    expect(status).toBe(422);
    expect(body).toMatchObject(JSON.parse(content));
  },
};

const WHAT_IS_COUNTED = 'What is counted';
const examples = [...sections]
  .filter(([heading]) => heading !== WHAT_IS_COUNTED)
  .map(([heading, part]) => ({ heading, part: blocksOf(part) }));

describe('the page of filters and formats', () => {
  it.each(examples.filter(({ part }) => part.length > 0))('shows under "$heading" what the API does', async ({ part }) => {
    let webhook: { id?: string } | null = null;
    for (const [index, { kind, content }] of part.entries()) {
      const ask = ASKED[kind];
      if (!ask) continue;
      const asked = await ask(content, webhook);
      webhook = asked.webhook;
      const expected = part[index + 1] as Block;
      expect(Object.keys(CHECKS), content).toContain(expected?.kind);
      CHECKS[expected.kind]?.(asked.answer, expected.content);
    }
  });

  it('has no block that is not run', () => {
    const known = [...Object.keys(ASKED), ...Object.keys(CHECKS), 'json event', 'json events', 'json stats', 'json skipped'];
    expect(blocks.filter(({ kind }) => !known.includes(kind))).toEqual([]);
    expect(examples.filter(({ part }) => part.length > 0)).toHaveLength(8);
  });

  it('has every format', () => {
    const cells = rowsOf(sections.get('Formats') ?? '').flatMap(([cell = '']) => codesIn(cell));
    expect(cells.sort()).toEqual([...FORMATS].sort());
  });

  it('shows headers that a webhook can have', async () => {
    const headers = rowsOf(`${sections.get('Headers and authentication')}`.replace(/^\| a/gm, '| `a`')).map(
      ([, cell = '']) => codesIn(cell)[0],
    );
    expect(headers).toHaveLength(3);
    const organization = await acme();
    for (const given of headers) await createWebhook(organization, { headers: JSON.parse(given ?? '') });
  });
});

describe('the table of operators', () => {
  const rows = rowsOf(sections.get('Filters') ?? '').map(([operator = '', , example = '', through = '', kept = '']) => ({
    operator: codesIn(operator)[0] ?? '',
    leaf: JSON.parse(codesIn(example)[0] ?? '') as Leaf,
    through: eventsOf(example, through),
    kept: eventsOf(example, kept),
  }));

  it('has every operator, in the order of the API', () => {
    expect(rows.map(({ operator }) => operator)).toEqual([...OPERATORS]);
    expect(rows.map(({ leaf }) => leaf.operator)).toEqual([...OPERATORS]);
  });

  it.each(rows)('$operator lets through and keeps back what it says', async ({ leaf, through, kept }) => {
    const { path } = await acme();
    const matches = async (event: unknown) =>
      (await expectStatus(platform.post(`${path}/webhooks/preview`, { filter: leaf, event }), 200)).body.matches;
    expect(through.length * kept.length).toBeGreaterThan(0);
    for (const event of through) expect(await matches(event), JSON.stringify(event)).toBe(true);
    for (const event of kept) expect(await matches(event), JSON.stringify(event)).toBe(false);
  });
});

/** The page's event, once with each value of a cell in the place that the example is about. */
function eventsOf(example: string, cell: string): unknown[] {
  const { field } = JSON.parse(codesIn(example)[0] ?? '') as Leaf;
  const [part = '', key = ''] = field.split('.');
  const without = JSON.parse(eventText);
  delete without[part][key];
  const events = codesIn(cell).map((value) => ({ ...without, [part]: { ...without[part], [key]: JSON.parse(value) } }));
  return cell.includes('missing') ? [...events, without] : events;
}

describe('what is counted', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('is what the page says', async () => {
    tellAtOnce();
    const of = (kind: string) =>
      JSON.parse(blocksOf(sections.get(WHAT_IS_COUNTED) ?? '').find((block) => block.kind === kind)?.content ?? '');
    const organization = await acme();
    const { id } = await createWebhook(organization, { url: endpointInbox().url, ...of('json webhook') });
    await consume([aMessage(of('json events').map((event: Record<string, unknown>) => anEvent(organization.id, event)))]);
    await endedDeliveriesOf(id, 1);
    const at = `${organization.path}/webhooks/${id}`;
    expect((await organization.admin.get(`${at}/stats?period=1h`)).body.totals).toMatchObject(of('json stats'));
    const { data } = (await organization.admin.get(`${at}/skipped`)).body;
    expect(data.toSorted((a: { why: string }, b: { why: string }) => (a.why < b.why ? -1 : 1))).toMatchObject(of('json skipped'));
  });
});
