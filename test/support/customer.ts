import { ApiClient } from '../../src/commands/api-client.ts';
import type { SomeWorker } from './worker.ts';

/** A delivery as the API shows it, as far as tests look at it. */
export interface ShownDelivery {
  id: string;
  eventId: string;
  status: string;
  reason: string | null;
  attemptCount: number;
  payload: string;
  attempts: { number: number; trigger: string; outcome: string; responseStatus: number | null; error: string | null }[];
}

/** An organization with an API key, on a Worker that runs by itself. */
export interface Customer {
  organizationId: string;
  key: string;
  producer: ApiClient;
  client: ApiClient;
  /** Creates a webhook for every event; its id. */
  webhook(url: string, secret?: string): Promise<string>;
  /** Posts an event of the organization, its text exactly as `event` writes it; its id. */
  post(text: string): Promise<string>;
  /** A webhook's newest delivery; null before there is one. */
  newestDelivery(webhookId: string): Promise<ShownDelivery | null>;
  /** The newest delivery once its status is one of these; the test's own time limit ends the wait. */
  deliveryThatIs(webhookId: string, ...statuses: string[]): Promise<ShownDelivery>;
  /** The same customer after the Worker was started again. */
  on(restarted: SomeWorker): Customer;
}

/** Signs a new organization up on the scale plan. Each has a name of its own, so that tests do not meet. */
export async function signUp(worker: SomeWorker): Promise<Customer> {
  const organizationId = `org_${crypto.randomUUID().slice(0, 8)}`;
  const producer = new ApiClient(worker.origin, worker.platformKey);
  await producer.put(`/organization/${organizationId}`, { name: 'A customer', plan: 'scale' });
  const key = await producer.post(`/organization/${organizationId}/api-keys`, { name: 'test', scopes: ['admin'] });
  return customerOf(worker, organizationId, (key.body as { plainKey: string }).plainKey);
}

function customerOf(worker: SomeWorker, organizationId: string, plainKey: string): Customer {
  const producer = new ApiClient(worker.origin, worker.platformKey);
  const client = new ApiClient(worker.origin, plainKey);
  const webhooks = `/organization/${organizationId}/webhooks`;
  const newestDelivery = async (webhookId: string): Promise<ShownDelivery | null> => {
    const [newest] = ((await client.get(`${webhooks}/${webhookId}/deliveries`)).body as { data: { id: string }[] }).data;
    if (!newest) return null;
    return (await client.get(`${webhooks}/${webhookId}/deliveries/${newest.id}`)).body as ShownDelivery;
  };
  return {
    organizationId,
    key: plainKey,
    producer,
    client,
    newestDelivery,
    on: (restarted) => customerOf(restarted, organizationId, plainKey),
    webhook: async (url, secret) => ((await client.post(webhooks, { url, secret, events: ['*'] })).body as { id: string }).id,
    post: async (text) => ((await producer.postText('/events', text)).body as { id: string }).id,
    async deliveryThatIs(webhookId, ...statuses) {
      for (;;) {
        const delivery = await newestDelivery(webhookId);
        if (delivery && statuses.includes(delivery.status)) return delivery;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

/** An event as nobody's serializer would write it: what survives only where bytes are kept. */
export function oddEvent(organizationId: string): string {
  return `\n {"event" :"visitor.identified",\t"timestamp":"2026-11-20T10:00:00.000Z","organization_id":"${organizationId}",
  "session_id":"s\\u0065s_1","visitor":{"email":"ada\\/lovelace@example.com","first_name":"Zo\\u00eb \\ud83d\\ude00 Ünï 😀"},
  "company":null, "number":12345678901234567890,"small":1.10,"exponent":1E+2,"minus":-0,"__proto__":{"a":1},
  "twice":1,"twice":2,"empty":{ }, "list":[ 1 ,2 ]}\r\n `;
}
