import type { Condition } from '../../src/domain/rules/condition.ts';
import { ORIGIN, PLATFORM_KEY } from '../support/api.ts';

/** A request that posts events. */
export function requestOf(text: string, key: string | null): Request {
  return requestTo('/events', text, key ? { 'Idempotency-Key': key } : {});
}

/** A request whose body is there at once: reading one as it arrives would take as long as the machine likes. */
export function requestTo(path: string, text: string, more: Record<string, string> = {}): Request {
  const body = new TextEncoder().encode(text);
  const headers = { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json', 'Content-Length': String(body.length) };
  const request = new Request(`${ORIGIN}/api/v1${path}`, { method: 'POST', headers: { ...headers, ...more } });
  return Object.defineProperty(request, 'arrayBuffer', { value: async () => body.buffer });
}

/** People whom events are about. */
const PEOPLE = 7;
/** The person whose events a webhook that keeps any back does. */
export const UNWANTED: Condition = { field: 'visitor.email', operator: 'contains', value: 'p3@x.example' };

export const personOf = (number: number): number => number % PEOPLE;
/** What a person is called, where they are erased. */
export const personNamed = (person: number): string => `P${person}@x.example`;
export const isUnwanted = (number: number): boolean => personOf(number) === 3;

/** A form of such an event. Of every fifth it makes no JSON. */
export const FORM = '{% assign rest = n | modulo: 5 %}{"n":{{ n }},"who":{{ visitor.name | json }}{% unless rest == 2 %}}{% endunless %}';

/** The event in that form; null where it cannot be made of it. */
export function formOf(body: string): string | null {
  const { n } = JSON.parse(body) as { n: number };
  return n % 5 === 2 ? null : `{"n":${n},"who":"Zoë"}`;
}

/** An event whose bytes survive only where bytes are kept. A person's address is not always written the same way. */
export function bodyOf(organizationId: string, number: number): string {
  const email = `${number % 2 ? ' P' : 'p'}${personOf(number)}@X.example`;
  return `{ "event":"visitor.identified","n":${number},"timestamp":"2027-01-01T00:00:00Z","organization_id":"${organizationId}","session_id":"ses_${number}","visitor":{"name":"Zo\\u00eb","email":"${email}"},"x":1.10}`;
}
