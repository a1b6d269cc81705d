import { ORIGIN, PLATFORM_KEY } from '../support/api.ts';

/** A request whose body is there at once: reading one as it arrives would take as long as the machine likes. */
export function requestOf(text: string, key: string | null): Request {
  const body = new TextEncoder().encode(text);
  const headers = { 'X-API-Key': PLATFORM_KEY, 'Content-Type': 'application/json', 'Content-Length': String(body.length) };
  const request = new Request(`${ORIGIN}/api/v1/events`, {
    method: 'POST',
    headers: { ...headers, ...(key && { 'Idempotency-Key': key }) },
  });
  return Object.defineProperty(request, 'arrayBuffer', { value: async () => body.buffer });
}

/** An event whose bytes survive only where bytes are kept. */
export function bodyOf(organizationId: string, number: number): string {
  return `{ "event":"visitor.identified","n":${number},"timestamp":"2027-01-01T00:00:00Z","organization_id":"${organizationId}","session_id":"ses_${number}","visitor":{"name":"Zo\\u00eb"},"x":1.10}`;
}
