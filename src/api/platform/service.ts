import { VERSION } from '../../version.ts';
import { notFound } from '../errors.ts';
import { isoTime } from '../parameters.ts';
import { describeApi } from '../reference/openapi.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

const tag = 'Service';

const health = route({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  summary: 'Whether the Worker answers',
  description: 'Looks at nothing else: it stays `ok` while the database is down, as ingest and deliveries do.',
  tag,
  access: 'public',
  success: { status: 200, description: 'It does.', schema: z.object({ status: z.literal('ok'), version: z.string() }).openapi('Health') },
  handler: () => ({ status: 'ok' as const, version: VERSION }),
});

/** How long a copy of /.well-known/security.txt may be trusted; RFC 9116 wants less than a year. */
const SECURITY_TXT_LIFETIME_MS = 90 * 86_400_000;

const securityTxt = route({
  method: 'get',
  path: '/.well-known/security.txt',
  operationId: 'getSecurityTxt',
  summary: 'Where to report a vulnerability',
  description: 'As RFC 9116 has it. 404 where the deployment names no contact (`SECURITY_CONTACT`).',
  tag,
  access: 'public',
  success: { status: 200, description: 'The contacts, and until when they hold.', contentType: 'text/plain', schema: z.string() },
  errors: ['not_found'],
  handler: ({ settings, nowMs }) => {
    const { securityContacts, publicUrl } = settings;
    if (securityContacts.length === 0) throw notFound('page');
    const lines = [
      ...securityContacts.map((contact) => `Contact: ${contact}`),
      `Expires: ${isoTime(nowMs + SECURITY_TXT_LIFETIME_MS)}`,
      'Preferred-Languages: en',
      ...(publicUrl ? [`Canonical: ${publicUrl.origin}/.well-known/security.txt`] : []),
    ];
    return new Response(`${lines.join('\n')}\n`, { headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
  },
});

/** The routes of the service itself; `/openapi.json` describes them and all others. */
export function serviceRoutes(others: readonly Route[]): Route[] {
  // Made by the first request that asks: a document of this size is not for the start-up of every isolate.
  let document: string | undefined;
  const described: Route = route({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This description, as OpenAPI 3.1',
    tag,
    access: 'public',
    success: { status: 200, description: 'An OpenAPI 3.1 document.', schema: z.record(z.string(), z.unknown()) },
    handler: () => {
      document ??= JSON.stringify(describeApi([...others, ...all]));
      return new Response(document, { headers: { 'Content-Type': 'application/json' } });
    },
  });
  const all: Route[] = [health, described, securityTxt];
  return all;
}
