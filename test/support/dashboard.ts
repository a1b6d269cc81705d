import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import worker from '../../src/index.ts';
import { expectStatus, ORIGIN, platform, type TestOrganization } from './api.ts';

export const PAGES = '/settings/integrations/webhooks';

/** A page as a browser gets it. */
export interface Page {
  status: number;
  headers: Headers;
  html: string;
  /** What a person reads of it: without tags, its white space as one space. */
  text: string;
  location: string | null;
}

/** Of a form: by name, or in the order in which they stand in it. */
export type FormFields = Record<string, string | string[]> | [name: string, value: string][];

export interface Visitor {
  get(path?: string, headers?: Record<string, string>): Promise<Page>;
  /** Posts a form, as a browser does from our own pages. */
  post(path: string, fields?: FormFields, headers?: Record<string, string>): Promise<Page>;
  /** Posts a form and goes where the answer leads. */
  submit(path: string, fields?: FormFields): Promise<Page>;
  cookies: Map<string, string>;
}

interface VisitorOptions {
  origin?: string;
  /** Settings that differ. */
  vars?: Partial<Env>;
}

/** A browser without scripts: it keeps cookies and posts forms. */
export function visitor({ origin = ORIGIN, vars }: VisitorOptions = {}): Visitor {
  const cookies = new Map<string, string>();
  const environment = vars ? ({ ...env, ...vars } as Env) : env;

  const send = async (path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Page> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(cookie && { Cookie: cookie }), ...init.headers };
    const request = new Request(new URL(path, origin), { redirect: 'manual', ...init, headers });
    const ctx = createExecutionContext();
    const response = await worker.fetch(request as Parameters<typeof worker.fetch>[0], environment, ctx);
    const html = await response.text();
    await waitOnExecutionContext(ctx);
    keep(cookies, response.headers.getSetCookie());
    return { status: response.status, headers: response.headers, html, text: readable(html), location: response.headers.get('Location') };
  };
  const get: Visitor['get'] = (path = '', headers = {}) => send(path.startsWith('/') ? path : join(path), { method: 'GET', headers });
  const post: Visitor['post'] = (path, fields = {}, headers = {}) =>
    send(path.startsWith('/') ? path : join(path), {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: origin, 'Sec-Fetch-Site': 'same-origin', ...headers },
      body: encode(fields),
    });
  const submit: Visitor['submit'] = async (path, fields) => {
    const answer = await post(path, fields);
    if (answer.status !== 303 || !answer.location) throw new Error(`expected 303, got ${answer.status}: ${answer.text}`);
    return await get(answer.location);
  };
  return { get, post, submit, cookies };
}

/** A one-time link to an organization's pages, made with the platform key; its path. */
export async function makeLink(organizationId: string, scope?: string, subject?: string): Promise<string> {
  const { body } = await expectStatus(platform.post(`/organization/${organizationId}/dashboard-links`, { scope, subject }), 201);
  return new URL(body.url).pathname;
}

/** Somebody who is signed in by a link. */
export async function signedIn(
  organization: Pick<TestOrganization, 'id'>,
  scope = 'admin',
  options: VisitorOptions = {},
): Promise<Visitor> {
  const person = visitor(options);
  const answer = await person.post(await makeLink(organization.id, scope));
  if (answer.status !== 303) throw new Error(`not signed in: ${answer.status} ${answer.text}`);
  return person;
}

/** The database, failing with every statement that matches. */
export function databaseWithout(statement: RegExp): D1Database {
  const prepare = (sql: string) => {
    if (statement.test(sql)) throw new Error('D1_ERROR: the statement was lost');
    return env.DB.prepare(sql);
  };
  return {
    prepare,
    batch: (statements: D1PreparedStatement[]) => env.DB.batch(statements),
  } as unknown as D1Database;
}

function join(path: string): string {
  return path === '' ? PAGES : `${PAGES}/${path}`;
}

function encode(fields: FormFields): string {
  if (Array.isArray(fields)) return new URLSearchParams(fields).toString();
  const pairs = Object.entries(fields).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
  return new URLSearchParams(pairs).toString();
}

/** Keeps what is set and drops what is unset, by name. */
function keep(cookies: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '' || /max-age=0/i.test(line)) cookies.delete(name);
    else cookies.set(name, value);
  }
}

function readable(html: string): string {
  const text = html.replace(/<head>.*?<\/head>/s, '').replace(/<[^>]*>/g, ' ');
  return unescaped(text).replace(/\s+/g, ' ').trim();
}

function unescaped(text: string): string {
  const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
}

/** The fields of a page's largest form, as a browser without scripts would post them: in the order in which they stand. */
export function fieldsIn(html: string): [name: string, value: string][] {
  const [form = ''] = /<form [^>]*class="(?:card form|form beside)".*?<\/form>/s.exec(html) ?? [];
  const fields: [string, string][] = [];
  for (const [element] of form.matchAll(/<input\b[^>]*>|<select\b.*?<\/select>|<textarea\b.*?<\/textarea>/gs)) {
    const [tag = ''] = /^<[^>]*>/.exec(element) ?? [];
    if (/ type="(checkbox|radio)"/.test(tag) && !/ checked/.test(tag)) continue;
    const options = element.match(/<option[^>]*>/g) ?? [];
    const chosen = options.find((option) => / selected/.test(option)) ?? options[0] ?? tag;
    const text = /^<textarea[^>]*>\n?(.*)<\/textarea>$/s.exec(element)?.[1];
    fields.push([attribute(tag, 'name'), text === undefined ? attribute(chosen, 'value') : unescaped(text)]);
  }
  return fields;
}

/** The form that travels in a page, as its field says it. */
export function heldIn(html: string): string {
  return attribute(/<input [^>]*name="held"[^>]*>/.exec(html)?.[0] ?? '', 'value');
}

function attribute(tag: string, name: string): string {
  return unescaped(new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
}
