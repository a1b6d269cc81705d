import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { discordFlaws, slackFlaws, teamsFlaws } from './chat-products.ts';

/*
 * Products that webhooks point to, as strict as they are by what they document: each takes what it would take, and refuses the rest with its own
 * error. What they would show without complaint and should not, a mention that is live, they refuse as well (chat-products.ts).
 */

export interface ProductRequest {
  /** With the query. */
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface ProductAnswer {
  status: number;
  body: string;
  contentType?: string;
  headers?: Record<string, string>;
}

/** What a product answers. */
export type Product = (request: ProductRequest) => ProductAnswer;

type Json = Record<string, unknown>;

const text = (status: number, body: string): ProductAnswer => ({ status, body, contentType: 'text/plain; charset=utf-8' });
const json = (status: number, body: unknown): ProductAnswer => ({ status, body: JSON.stringify(body), contentType: 'application/json' });

/** The body as an object; null where it is none, or does not say that it is JSON. */
function objectIn({ headers, body }: ProductRequest): Json | null {
  if (!/^application\/json(?:;|$)/.test(headers['content-type'] ?? '')) return null;
  try {
    const value = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Incoming webhooks: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. All answers are plain text. */
export const slack: Product = (request) => {
  if (!/^\/services\/T\w+\/B\w+\/\w+$/.test(request.path)) return text(404, 'no_service');
  const message = objectIn(request);
  if (!message) return text(400, 'invalid_payload');
  if (message.blocks === undefined && message.text === undefined) return text(400, 'no_text');
  if (!Array.isArray(message.blocks) || slackFlaws(message).length > 0) return text(400, 'invalid_blocks');
  return text(200, 'ok');
};

/**
 * The trigger "When a Teams webhook request is received" of Power Automate, whose schema requires each attachment's `contentUrl`; and the card, which
 * the workflow itself would refuse only later, in its run history.
 */
export const teams: Product = (request) => {
  const { searchParams } = new URL(request.path, 'http://workflows');
  if (!searchParams.get('sig')) return refusedByTrigger(401, 'DirectApiAuthorizationRequired', 'The request has no authorization.');
  if (request.headers.authorization !== undefined)
    return refusedByTrigger(401, 'DirectApiRequestHasMoreThanOneAuthorization', 'Only one scheme.');
  const message = objectIn(request);
  const attachments = message?.attachments;
  const isComplete = (one: Json) => ['contentType', 'contentUrl', 'content'].every((name) => Object.hasOwn(one, name));
  if (!message || !Array.isArray(attachments) || attachments.length === 0 || !attachments.every(isComplete)) {
    return refusedByTrigger(
      400,
      'TriggerInputSchemaMismatch',
      "The input body for trigger 'manual' of type 'Request' did not match its schema.",
    );
  }
  const flaws = teamsFlaws(message);
  if (flaws.length > 0) return refusedByTrigger(400, 'ActionFailed', `Post card in a chat or channel: ${flaws.join(', ')}`);
  return { status: 202, body: '' };
};

function refusedByTrigger(status: number, code: string, message: string): ProductAnswer {
  return json(status, { error: { code, message } });
}

/** Execute Webhook: docs.discord.com/developers/resources/webhook. */
export const discord: Product = (request) => {
  if (!/^\/api\/webhooks\/\d+\/[\w-]+$/.test(request.path)) return json(404, { message: 'Unknown Webhook', code: 10_015 });
  const message = objectIn(request);
  if (!message) return json(400, { message: 'The request body contains invalid JSON.', code: 50_109 });
  if (message.content === undefined && message.embeds === undefined)
    return json(400, { message: 'Cannot send an empty message', code: 50_006 });
  const flaws = Array.isArray(message.embeds) ? discordFlaws(message) : ['embeds'];
  if (flaws.length > 0) return json(400, { message: 'Invalid Form Body', code: 50_035, errors: { embeds: { _errors: flaws } } });
  return { status: 204, body: '' };
};

/** A webhook source with a token, at most 100 kB a record. What it says where the token is wrong is not documented. */
export const clay =
  (token: string): Product =>
  (request) => {
    if (request.headers['x-clay-webhook-auth'] !== token) return json(401, { message: 'Unauthorized' });
    if (Buffer.byteLength(request.body) > 100_000) return json(413, { message: 'Payload Too Large' });
    return objectIn(request) ? json(200, { success: true }) : json(400, { message: 'Bad Request' });
  };

/** A CRM that knows these properties, each of which is a text, a number, true, false or null. */
export const flatCrm =
  (token: string, properties: readonly string[]): Product =>
  (request) => {
    if (request.headers.authorization !== `Bearer ${token}`) return json(401, { error: 'unauthorized' });
    const record = objectIn(request);
    if (!record) return json(400, { error: 'no_record' });
    const wrong = Object.keys(record).filter(
      (name) => !properties.includes(name) || (typeof record[name] === 'object' && record[name] !== null),
    );
    return wrong.length > 0 ? json(400, { error: 'unknown_or_nested_properties', properties: wrong }) : json(201, { id: 1 });
  };

/** A CRM that wants its properties in an object, and nothing beside it. */
export const nestedCrm =
  (token: string): Product =>
  (request) => {
    if (request.headers.authorization !== `Bearer ${token}`) return json(401, { error: 'unauthorized' });
    const record = objectIn(request);
    const isGood = Object.keys(record ?? {}).join() === 'properties' && typeof record?.properties === 'object';
    return isGood ? json(201, { id: 1 }) : json(400, { error: 'properties_expected' });
  };

/** A Webhook node of n8n with Header Auth, in production (packages/nodes-base/nodes/Webhook). */
export const n8n =
  (header: string, value: string): Product =>
  (request) => {
    if (!/^\/webhook\/[\w-]+$/.test(request.path)) return json(404, { code: 404, message: 'The requested webhook is not registered.' });
    if (request.headers[header.toLowerCase()] !== value) {
      return { ...text(403, 'Authorization data is wrong!'), headers: { 'WWW-Authenticate': 'Basic realm="Webhook"' } };
    }
    return json(200, { message: 'Workflow was started' });
  };

/** A server of the customer's own. */
export const ownServer: Product = (request) => (objectIn(request) ? { status: 204, body: '' } : text(400, 'This is not JSON.'));

export interface RunningProduct {
  origin: string;
  /** What it was sent, with what it answered. */
  exchanges: { request: ProductRequest; answer: ProductAnswer }[];
  close(): Promise<void>;
}

/** A product on a port of its own. */
export async function startProduct(product: Product): Promise<RunningProduct> {
  const exchanges: RunningProduct['exchanges'] = [];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    const request = { path: incoming.url ?? '', headers, body: Buffer.concat(chunks).toString() };
    const answer = incoming.method === 'POST' ? product(request) : text(405, 'Method Not Allowed');
    exchanges.push({ request, answer });
    response.writeHead(answer.status, { ...(answer.contentType && { 'Content-Type': answer.contentType }), ...answer.headers });
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
