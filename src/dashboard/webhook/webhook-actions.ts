import { listDeliveries } from '../../api/deliveries/deliveries.ts';
import { retryDelivery } from '../../api/deliveries/delivery-actions.ts';
import { ApiError } from '../../api/errors.ts';
import { updateWebhook } from '../../api/webhooks/webhooks.ts';
import { type Flash, setFlash } from '../frame/flash.ts';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { readForm, textOf } from '../parts/form.ts';
import { outcomeWords, testOf } from '../tests/sending.ts';
import { errorText } from '../words/error-words.ts';
import { t } from '../words/words.tsx';
import { unlessUnreachable } from './overview-page.tsx';
import { webhookOf } from './webhook-page.tsx';

/*
 * What the buttons of a webhook's pages do: each calls a route of the API, leaves a message, and leads to the page that shows
 * what came of it. A refusal that a person meets in the normal course of things (an attempt that runs already, a webhook paused
 * in another tab) is a message as well; anything else is the error page.
 */

/** Refusals that say something about the moment, not about a mistake. */
const MOMENTARY: ReadonlySet<string> = new Set([
  'attempt_in_progress',
  'delivery_finished',
  'payload_erased',
  'webhook_disabled',
  'outbox_unavailable',
  'rate_limited',
  'plan_upgrade_required',
  'unknown_event_type',
]);

/** What is said of an action, and where; nothing said: where its form stands. */
type Outcome = Flash & { path?: string };

/** @param action null: the page itself shows what came of it */
export async function leaveMessage(c: PageContext, usualPath: string, action: () => Promise<Outcome | null>): Promise<Response> {
  const outcome = await action().catch((error: unknown): Outcome => {
    if (!(error instanceof ApiError) || !MOMENTARY.has(error.code)) throw error;
    return { kind: 'failed', message: errorText(error) };
  });
  if (outcome === null) return c.redirect(usualPath, 303);
  return await leadOn(c, { path: usualPath, ...outcome });
}

async function leadOn(c: PageContext, { path, ...flash }: Outcome & { path: string }): Promise<Response> {
  await setFlash(c, flash);
  return c.redirect(path, 303);
}

/** Says that something is done. */
export const done = (message: string, secret?: string): Flash => ({ kind: 'done', message, secret });

/** `POST <webhook>/test`: sends the event of a delivery as a test (or a sample event), waits for its attempt, and shows the test's delivery. */
export async function sendTest(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const deliveryId = textOf(await readForm(c), 'deliveryId');
  const usualPath = deliveryId === undefined ? paths.webhook(id) : paths.delivery(id, deliveryId);
  return await leaveMessage(c, usualPath, async () => {
    const sent = await testOf(c.get('visit'), id, { deliveryId });
    const kind = sent.attempt?.outcome === 'succeeded' ? 'done' : 'failed';
    return { kind, message: outcomeWords(sent), path: paths.delivery(id, sent.delivery.id) };
  });
}

/** `POST <webhook>/deliveries/<delivery>/retry`: its page says that an attempt is being made for as long as it is. */
export async function retryNow(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const deliveryId = c.req.param('deliveryId') ?? '';
  return await leaveMessage(c, paths.delivery(id, deliveryId), async () => {
    await c.get('visit').call(retryDelivery, { params: { webhookId: id, deliveryId } });
    return null;
  });
}

/** `POST <webhook>/pause` and `…/resume`. */
export async function pause(c: PageContext): Promise<Response> {
  return await enable(c, false, async () => done(t('webhook.paused')));
}

export async function resume(c: PageContext): Promise<Response> {
  return await enable(c, true, () => resumed(c));
}

/** What to do next is to send what was discarded: whoever resumes a webhook is led to where that is done. */
async function resumed(c: PageContext): Promise<Outcome> {
  const { id } = webhookOf(c);
  const query = { status: 'discarded', limit: '1' } as const;
  const discarded = await unlessUnreachable(c.get('visit').call(listDeliveries, { params: { webhookId: id }, query }));
  if (!discarded || discarded.data.length === 0) return done(t('webhook.resumed'));
  return { ...done(t('webhook.resumedWithDiscarded')), path: `${paths.webhook(id, 'deliveries')}?status=discarded` };
}

async function enable(c: PageContext, enabled: boolean, outcome: () => Promise<Outcome>): Promise<Response> {
  const { id } = webhookOf(c);
  return await leaveMessage(c, paths.webhook(id, 'settings'), async () => {
    await c.get('visit').call(updateWebhook, { params: { webhookId: id }, body: { enabled } });
    return await outcome();
  });
}

/** `GET <webhook>/recover`: the address of before. What failed is retried where it is listed. */
export function toFailed(c: PageContext): Response {
  return c.redirect(`${paths.webhook(webhookOf(c).id, 'deliveries')}?status=failed`, 303);
}
