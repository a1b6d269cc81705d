import { type Customer, signUp } from './customer.ts';
import type { PageValues } from './dashboard-pages.ts';
import { inbox } from './receiver.ts';
import type { SomeWorker } from './worker.ts';

/** An organization that has something to show on every page. */
export interface Furnished {
  customer: Customer;
  values: Omit<PageValues, 'linkToken' | 'alertToken'>;
}

const VISITORS = [
  { email: 'jane.doe@example.com', first_name: 'Jane', last_name: 'Doe', job_title: 'VP of Marketing', location: 'Austin, Texas' },
  { email: 'grace@navy.example', first_name: 'Grace', last_name: 'Hopper', job_title: 'Rear admiral', location: 'New York' },
  { email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace', job_title: 'Analyst', location: 'London' },
];

/**
 * Signs it up, with a webhook that has all that can be chosen, a secret that is being rotated, deliveries that arrived, one that is retried
 * and one event that was kept back; one that an endpoint refuses, one that is paused, and one whose URL is in use already.
 *
 * @param origin of the receiver
 */
export async function furnish(worker: SomeWorker, origin: string): Promise<Furnished> {
  const customer = await signUp(worker);
  const organization = `/organization/${customer.organizationId}`;
  const webhooks = `${organization}/webhooks`;
  await customer.producer.put(organization, { name: 'Acme Analytics', plan: 'scale' });
  const [crm, refusing] = [inbox(origin), inbox(origin)];
  await refusing.script([{ status: 422, body: '{"error":"Leads need a phone number"}' }]);
  // All of them before the first event: a webhook gets those that come 5 s after it, where others of its organization have been looked up.
  const webhookId = await customer.webhook(crm.url, 'a secret');
  await customer.client.patch(`${webhooks}/${webhookId}`, {
    name: 'Leads into the CRM',
    description: 'Only companies that are large enough for the sales team',
    filter: { all: [{ field: 'company.employee_count', operator: 'at_least', value: 50 }] },
    once: { per: 'visitor.email', days: 30 },
    headers: { 'X-Key': 'a value' },
  });
  await customer.client.post(`${webhooks}/${webhookId}/secret/rotate`, { overlapSeconds: 86_400 });
  const refused = await customer.webhook(refusing.url);
  await customer.client.patch(`${webhooks}/${refused}`, { name: 'Marketing automation' });
  const paused = await customer.webhook(inbox(origin).url);
  await customer.client.patch(`${webhooks}/${paused}`, { name: 'Data warehouse', enabled: false });
  await customer.webhook(crm.url);

  const [jane = '', grace = '', ada = ''] = VISITORS.map((visitor) => eventOf(customer.organizationId, visitor));
  for (const event of [jane, grace, jane]) await customer.post(event);
  await crm.arrived(4);
  await crm.script([{ status: 500, headers: { 'X-Trace': 'abc' }, body: '{"error":"out of order"}' }]);
  await customer.post(ada);
  const { id: deliveryId } = await customer.deliveryThatIs(webhookId, 'retrying');
  await customer.deliveryThatIs(refused, 'retrying');
  await customer.client.post(`${organization}/erasures`, { field: 'visitor.email', value: 'nobody@example.com' });
  await customer.client.put(`${organization}/alerts`, { emails: ['ops@example.com'] });
  return { customer, values: { webhookId, deliveryId } };
}

function eventOf(organizationId: string, visitor: Record<string, string>): string {
  return JSON.stringify({
    event: 'visitor.identified',
    timestamp: new Date().toISOString(),
    organization_id: organizationId,
    session_id: 'ses_7001',
    visitor,
    company: { name: 'Example Corp', industry: 'Computer Software', employee_count: 250, domain: 'example.com' },
    session: { landing_page: 'https://www.acme.com/pricing', pages_visited: 4, utm_source: 'google', device_type: 'desktop' },
  });
}
