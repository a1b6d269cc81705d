import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../src/commands/wrangler.ts';
import { type Customer, signUp } from '../support/customer.ts';
import { type Block, blocksOf, sectionsOf } from '../support/document.ts';
import {
  clay,
  discord,
  flatCrm,
  n8n,
  nestedCrm,
  ownServer,
  type Product,
  type RunningProduct,
  slack,
  startProduct,
  teams,
} from '../support/products.ts';
import { type SomeWorker, sharedWorker } from '../support/worker.ts';

const recipes = readFileSync(join(PROJECT_ROOT, 'src/docs/recipes.md'), 'utf8');
const sections = sectionsOf(recipes);
/** The event that all recipes are about, as the page has it. */
const eventText = blocksOf(recipes)[0]?.content ?? '';

type Json = Record<string, unknown>;
interface Event extends Json {
  session_id: string;
  visitor: Json;
  company: Json;
  session: Json;
}

/** A recipe's receiver, and changes of the page's event that it must not be sent. */
interface Case {
  product: Product;
  /** As what is kept back is listed. */
  keptBack?: ((event: Event) => void)[];
  /** What the channel shows, line by line. */
  linesOf?: (message: never) => string[];
  /** Headers of its own. */
  headers?: string[];
}

const TOKEN = '3f9a07c2d18e';
const ENVELOPE = ['event', 'timestamp', 'organization_id'];
const VISITOR = ['visitor_email', 'visitor_first_name', 'visitor_last_name'];

const CASES: Record<string, Case> = {
  'Only companies with more than 200 employees': {
    product: ownServer,
    keptBack: [({ company }) => (company.employee_count = 200), ({ company }) => delete company.employee_count],
  },
  'Visitors of the pricing page': {
    product: ownServer,
    keptBack: [
      ({ session }) => (session.landing_page = 'https://www.acme.com/blog'),
      ({ visitor }) => delete visitor.email,
      ({ visitor }) => (visitor.email = 'Colleague@ACME.com'),
    ],
  },
  'A message in Slack for each lead, once a person a month': {
    product: slack,
    keptBack: [({ visitor }) => (visitor.email = ' Jane.Doe@Example.com')],
    linesOf: slackLines,
  },
  'A card in Teams': { product: teams, linesOf: teamsLines },
  'A message in Discord': { product: discord, linesOf: discordLines },
  'Into Clay, with its token': { product: clay(TOKEN), keptBack: [() => undefined], headers: ['x-clay-webhook-auth'] },
  'Into a CRM that wants flat JSON': {
    product: flatCrm(TOKEN, [...ENVELOPE, ...VISITOR, 'company_name', 'company_employee_count']),
    headers: ['Authorization'],
  },
  'Into a CRM that wants JSON of its own': {
    product: nestedCrm(TOKEN),
    keptBack: [({ visitor }) => delete visitor.email],
    headers: ['Authorization'],
  },
  'Into n8n, Make or Zapier': {
    product: n8n('X-Hook-Token', TOKEN),
    keptBack: [({ company }) => (company.employee_count = 199)],
    headers: ['X-Hook-Token'],
  },
};

const running: RunningProduct[] = [];
let worker: SomeWorker;

beforeAll(async () => {
  worker = await sharedWorker();
});
afterAll(async () => {
  for (const product of running) await product.close();
});

async function start(product: Product): Promise<RunningProduct> {
  const started = await startProduct(product);
  running.push(started);
  return started;
}

/** Runs a recipe's command as it stands on the page, but for the origin of its receiver. Returns the webhook. */
async function run(command: string, { organizationId, key }: Customer, origin: string): Promise<Json & { id: string; secret?: string }> {
  const [url = '', ...others] = command.match(/https:\/\/[^/"]+/g) ?? [];
  expect(others).toEqual([]);
  const { stdout } = await promisify(execFile)('bash', ['-euc', command.replace(url, origin)], {
    env: { ...process.env, ORGANIZATION: `${worker.origin}/api/v1/organization/${organizationId}`, KEY: key },
  });
  const webhook = JSON.parse(stdout);
  expect(webhook.id, stdout).toMatch(/^whk_/);
  return webhook;
}

/** Resolves once a product has had so many requests; whatever else comes, the test's own limit ends the wait. */
async function requestsOf({ exchanges }: RunningProduct, count: number) {
  while (exchanges.length < count) await new Promise((resolve) => setTimeout(resolve, 20));
  return exchanges;
}

describe('a recipe', () => {
  it('is there for each test, and a test for each', () => {
    expect([...sections.keys()]).toEqual(Object.keys(CASES));
  });

  it.each(Object.entries(CASES))('%s', async (heading, { product: takes, keptBack = [], linesOf, headers = [] }) => {
    const customer = await signUp(worker);
    const product = await start(takes);
    const own = (text: string) => text.replaceAll('org_acme', customer.organizationId);
    const [command, shown] = blocksOf(sections.get(heading) ?? '') as [Block, Block | undefined];
    expect(command.kind).toBe('bash');
    const webhook = await run(command.content, customer, product.origin);

    // In one request, so that what is kept back has been decided on when the others have arrived; and then a last one, by itself.
    const changed = (session: string, change: (event: Event) => void): string => {
      const event = JSON.parse(own(eventText)) as Event;
      event.session_id = session;
      change(event);
      return JSON.stringify(event);
    };
    const another = (session: string) => changed(session, ({ visitor }) => (visitor.email = `${session}@example.org`));
    const unwanted = keptBack.map((change, index) => changed(`unwanted_${index}`, change));
    await customer.producer.postText('/events', `[${[own(eventText).trim(), ...unwanted, another('ses_2')].join()}]`);
    await requestsOf(product, 2);
    await customer.post(another('ses_3'));
    const exchanges = await requestsOf(product, 3);

    expect(exchanges.map(({ answer }) => answer.body).filter((_, index) => (exchanges[index]?.answer.status ?? 0) >= 300)).toEqual([]);
    expect(exchanges).toHaveLength(3);
    const { request } = exchanges.find(({ request: { body } }) => isOfPage(body)) ?? {};
    if (!request) throw new Error('What the page shows has not arrived.');
    if (linesOf) expect(linesOf(JSON.parse(request.body) as never)).toEqual(shown?.content.trimEnd().split('\n'));
    else if (shown) expect(JSON.parse(request.body)).toEqual(JSON.parse(own(shown.content)));
    else expect(request.body).toBe(own(eventText).trim());
    if (webhook.secret) new Webhook(webhook.secret).verify(request.body, request.headers);

    const { status, attempts } = await customer.deliveryThatIs(webhook.id, 'delivered');
    expect({ status, attempts: attempts.length }).toEqual({ status: 'delivered', attempts: 1 });
    expect(webhook.headerNames).toEqual(headers.length > 0 ? headers : null);
    const sent = attempts[0] as unknown as { requestHeaders: Record<string, string> };
    for (const name of headers) expect(sent.requestHeaders[name]).toBe('•••');
  });

  it.each(Object.entries(CASES).filter(([, { linesOf }]) => linesOf))(
    '%s: the product also takes the service’s own events',
    async (heading, { product: takes }) => {
      const customer = await signUp(worker);
      const product = await start(takes);
      const [command] = blocksOf(sections.get(heading) ?? '') as [Block];
      const { id } = await run(command.content, customer, product.origin);
      for (const event of ['webhook.failing', 'webhook.disabled']) {
        const path = `/organization/${customer.organizationId}/webhooks/${id}/test`;
        expect((await customer.client.post(path, { event })).body).toMatchObject({ attempt: { outcome: 'succeeded', error: null } });
      }
      expect(product.exchanges.map(({ request: { body } }) => body.includes('hooks.example.com'))).toEqual([true, true]);
    },
  );
});

/** Whether a request is of the page's own event, in whatever form: no other has this person and no other address. */
function isOfPage(body: string): boolean {
  return !body.includes('@example.org');
}

describe('the products of these tests', () => {
  const URLS: Record<string, string> = Object.fromEntries(
    [...sections].map(([heading, part]): [string, string] => [heading, /"url": "https:\/\/[^/"]+([^"]*)"/.exec(part)?.[1] ?? '']),
  );
  const asked = (heading: string, body: string, headers: Record<string, string> = {}, path = URLS[heading] ?? '') => {
    const { status, body: answer } = (CASES[heading] as Case).product({
      path,
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return `${status} ${answer}`;
  };
  const MESSAGE = 'A message in Slack for each lead, once a person a month';
  const authorized = { authorization: `Bearer ${TOKEN}` };

  it('refuse an event that was made into no message', () => {
    expect(asked(MESSAGE, eventText)).toBe('400 no_text');
    expect(asked('A card in Teams', eventText)).toContain('TriggerInputSchemaMismatch');
    expect(asked('A message in Discord', eventText)).toContain('50006');
    expect(asked('Into a CRM that wants flat JSON', eventText, authorized)).toContain(
      '"properties":["session_id","visitor","company","session"]',
    );
    expect(asked('Into a CRM that wants JSON of its own', eventText, authorized)).toContain('properties_expected');
  });

  it('refuse a message that is beyond their limits', () => {
    const section = { type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3_001), verbatim: true } };
    expect(asked(MESSAGE, JSON.stringify({ text: 'x', blocks: [section] }))).toBe('400 invalid_blocks');
    expect(asked(MESSAGE, 'payload={}', { 'content-type': 'application/x-www-form-urlencoded' })).toBe('400 invalid_payload');
    const embeds = [{ title: 'x'.repeat(257), fields: [], footer: { text: 'x' } }];
    expect(asked('A message in Discord', JSON.stringify({ embeds, allowed_mentions: { parse: [] } }))).toContain('"code":50035');
    const card = (content: object) => JSON.stringify({ type: 'message', attachments: [content] });
    expect(asked('A card in Teams', card({ contentType: 'x', content: {} }))).toContain('TriggerInputSchemaMismatch');
    expect(asked('Into Clay, with its token', JSON.stringify({ a: 'x'.repeat(100_000) }), { 'x-clay-webhook-auth': TOKEN })).toMatch(
      /^413 /,
    );
  });

  it('refuse whoever has no token, or another', () => {
    expect(asked('Into Clay, with its token', '{}', { 'x-clay-webhook-auth': 'another' })).toMatch(/^401 /);
    expect(asked('Into a CRM that wants flat JSON', '{}')).toMatch(/^401 /);
    expect(asked('Into n8n, Make or Zapier', '{}')).toBe('403 Authorization data is wrong!');
    expect(asked('A card in Teams', '{}', {}, '/workflows/0/triggers/manual/paths/invoke?api-version=1')).toContain(
      'DirectApiAuthorizationRequired',
    );
    expect(asked(MESSAGE, '{}', {}, '/services/x')).toBe('404 no_service');
  });
});

interface SlackText {
  text: string;
}

function slackLines({ blocks }: { blocks: { text?: SlackText; fields?: SlackText[]; elements?: SlackText[] }[] }): string[] {
  const plain = ({ text }: SlackText) => text.replace(/<[^|>]+\|([^>]+)>/g, '$1');
  return blocks.flatMap(({ text, fields = [], elements = [] }) => [
    ...(text
      ? plain(text)
          .replace(/^\*(.*)\*$/m, '$1')
          .split('\n')
      : []),
    ...fields.map((field) => plain(field).replace(/^\*(.*)\*\n/, '$1: ')),
    ...elements.map(plain),
  ]);
}

function teamsLines({ attachments }: { attachments: { content: { body: { inlines: { text: string }[] }[] } }[] }): string[] {
  return attachments.flatMap(({ content }) => content.body.map(({ inlines }) => inlines.map(({ text }) => text).join('')));
}

function discordLines({
  embeds,
}: {
  embeds: { title: string; description: string; fields: { name: string; value: string }[]; footer: SlackText }[];
}): string[] {
  return embeds.flatMap(({ title, description, fields, footer }) => [
    title,
    description,
    ...fields.map(({ name, value }) => `${name}: ${value}`),
    footer.text,
  ]);
}
