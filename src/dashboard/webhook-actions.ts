import { recoverDeliveries } from '../api/bulk-actions.ts';
import { retryDelivery } from '../api/delivery-actions.ts';
import { ApiError, type Issue } from '../api/errors.ts';
import { endSecretOverlap, revealWebhookSecret, rotateWebhookSecret } from '../api/webhook-secrets.ts';
import { testWebhook } from '../api/webhook-tests.ts';
import { updateWebhook } from '../api/webhooks.ts';
import { openSecret } from '../db/secret-box.ts';
import { formerOf, secretsOf } from '../domain/secret-rotation.ts';
import { trimmedSecret } from '../domain/webhook-secret.ts';
import { momentOf } from '../domain/zone.ts';
import { type Clock, clockOf } from './clock.ts';
import { withHeadersOf } from './error-page.tsx';
import { type Flash, setFlash } from './flash.ts';
import { readForm, textOf } from './form.ts';
import { heldForm, RESTORED } from './held-form.ts';
import { paths } from './paths.ts';
import { RECOVERY_SPANS, settingsPage, spanOf } from './settings-page.tsx';
import type { PageContext, Visit } from './visit.ts';
import { refusedOf } from './webhook-input.ts';
import { webhookOf } from './webhook-page.tsx';
import { counted, took } from './wording.ts';
import { errorText } from './words/error-words.ts';

/*
 * What the buttons of a webhook's pages do: each calls a route of the API, leaves a message, and leads to the page that shows
 * what came of it. A refusal that a person meets in the normal course of things (an attempt that runs already, a webhook paused
 * in another tab) is a message as well; anything else is the error page. Where there was a form, it stands again after any refusal, with what
 * was typed.
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

/** `POST <webhook>/test`: sends a sample event, or that of a delivery, waits for its attempt, and shows its delivery. */
export async function sendTest(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const deliveryId = textOf(await readForm(c), 'deliveryId');
  const usualPath = deliveryId === undefined ? paths.webhook(id) : paths.delivery(id, deliveryId);
  return await leaveMessage(c, usualPath, () => sentTest(c.get('visit'), id, { deliveryId }));
}

/** Sends a test, and says what came of it. */
export async function sentTest(
  visit: Visit,
  webhookId: string,
  body: { deliveryId?: string; payload?: Record<string, unknown> },
): Promise<Flash & { path: string }> {
  const { delivery, attempt } = await visit.call(testWebhook, { params: { webhookId }, body });
  const path = paths.delivery(webhookId, delivery.id);
  if (attempt === null)
    return { kind: 'failed', message: `What is to be sent could not be made of the test event: ${delivery.error}`, path };
  if (attempt.outcome !== 'succeeded') return { kind: 'failed', message: `The test event failed: ${attempt.error ?? 'no answer'}`, path };
  return { ...done(`The test event arrived: ${attempt.responseStatus} after ${took(attempt.durationMs)}.`), path };
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
  return await enable(c, false, 'The webhook is paused.');
}

export async function resume(c: PageContext): Promise<Response> {
  return await enable(c, true, 'The webhook gets events again. It takes up to 5 seconds. You can recover missed events in Settings.');
}

async function enable(c: PageContext, enabled: boolean, message: string): Promise<Response> {
  const { id } = webhookOf(c);
  return await leaveMessage(c, paths.webhook(id, 'settings'), async () => {
    await c.get('visit').call(updateWebhook, { params: { webhookId: id }, body: { enabled } });
    return done(message);
  });
}

/** `POST <webhook>/secret/reveal`: a POST, so that no link and no prefetching shows a secret. */
export async function revealSecret(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  return await leaveMessage(c, paths.webhook(id, 'settings'), async () => {
    const { secret } = await c.get('visit').call(revealWebhookSecret, { params: { webhookId: id } });
    return secret === null ? done('There is no secret.') : done('This is the secret that signs deliveries.', secret);
  });
}

/** `POST <webhook>/headers/reveal`: its answer is the page itself. All of the values are more than what a message can carry. */
export async function revealHeaders(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const { headers } = await c.get('visit').call(revealWebhookSecret, { params: { webhookId: id } });
  return await settingsPage(c, { headers: headers ?? {} });
}

const UNCHANGED = 'This is the secret that the webhook has already: nothing has changed.';
const OVERLAPPING =
  'This is the new secret. Within 5 seconds webhook-signature has a signature made with it, beside those of the former ones. ' +
  'X-Bullseye-Signature is made with the oldest secret until its time is over.';

/** `POST <webhook>/secret/rotate`. */
export async function rotateSecret(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await settingsPage(c, { typed: held, flash: RESTORED });
  const overlap = textOf(form, 'overlapSeconds');
  const secret = trimmedSecret(form.get('secret') ?? '');
  const body = { secret: secret || undefined, overlapSeconds: overlap === undefined ? undefined : Number(overlap) };
  return await orFormAgain(c, form, async () => {
    const { call } = c.get('visit');
    const before = secret === '' ? null : await presentSecret(c);
    const rotated = await call(rotateWebhookSecret, { params: { webhookId: id }, body });
    const isSame = before !== null && before === rotated.secret;
    const overlaps = rotated.previousSecretExpiresAt !== null || rotated.earlierSecretsExpireAt !== undefined;
    const said = isSame ? UNCHANGED : overlaps ? OVERLAPPING : 'This is the new secret. Deliveries are signed with it within 5 seconds.';
    return { ...done([said, ...(rotated.warnings ?? [])].join(' '), rotated.secret ?? undefined), path: paths.webhook(id, 'settings') };
  });
}

/** The secret that a webhook has, to compare: nobody is shown it. One that does not open is another one, and no reason not to replace it. */
async function presentSecret(c: PageContext): Promise<string | null> {
  const { id, secret } = webhookOf(c);
  return secret === null ? null : await openSecret(c.get('visit').settings.masterKeys, id, secret).catch(() => null);
}

/** `POST <webhook>/secret/end-overlap`. */
export async function endOverlap(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const { call, nowMs } = c.get('visit');
  const former = formerOf(secretsOf(webhook, nowMs)).length > 1 ? 'The former secrets sign' : 'The secret before signs';
  return await leaveMessage(c, paths.webhook(webhook.id, 'settings'), async () => {
    await call(endSecretOverlap, { params: { webhookId: webhook.id } });
    return done(`${former} no more. That is so everywhere within 5 seconds.`);
  });
}

/** `POST <webhook>/recover`: since a time that was typed, by the reader's clocks, or over one of the offered spans. */
export async function recover(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const { nowMs, call } = c.get('visit');
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await settingsPage(c, { typed: held, flash: RESTORED });
  const [, spanMs] = RECOVERY_SPANS[spanOf(form)];
  const since = sinceOf(textOf(form, 'since'), clockOf(c)) ?? new Date(nowMs - spanMs).toISOString();
  return await orFormAgain(c, form, async () => {
    const { count } = await call(recoverDeliveries, { params: { webhookId: id }, body: { since } });
    const path = paths.webhook(id);
    if (count === 0) return { ...done('Nothing failed or was discarded in that time: there is nothing to recover.'), path };
    return { ...done(`${counted(count, 'delivery starts', 'deliveries start')} over. They go out a few at a time.`), path };
  });
}

/** As the API takes it; what is no time is refused there. */
function sinceOf(typed: string | undefined, { zone }: Clock): string | undefined {
  const at = typed === undefined ? null : momentOf(typed, zone);
  return at === null ? typed : new Date(at).toISOString();
}

/**
 * `GET <webhook>/recover` and `…/secret/rotate`: a form that was refused stands at the address it was posted to, and who opens
 * that again (from the browser's history, say) is led to the settings.
 */
export function toSettings(c: PageContext): Response {
  return c.redirect(paths.webhook(webhookOf(c).id, 'settings'), 303);
}

/** Does what a form asks for. Refused, whatever the reason, it stands in the settings again, with what was typed and what is wrong. */
async function orFormAgain(c: PageContext, form: URLSearchParams, action: () => Promise<Outcome & { path: string }>): Promise<Response> {
  let outcome: Outcome & { path: string };
  try {
    outcome = await action();
  } catch (thrown) {
    const error = refusedOf(c, thrown);
    const issues = error.code === 'validation_failed' ? (error.details.issues as Issue[]) : [];
    // Of a recovery that begins in the future the API names the end.
    const problems = issues.map(({ field, message }): [string, string] =>
      field === 'until' ? ['since', 'This time is not past.'] : [field, message],
    );
    const flash: Flash | undefined = problems.length > 0 ? undefined : { kind: 'failed', message: error.message };
    return withHeadersOf(error, await settingsPage(c, { problems: new Map(problems), typed: form, flash, status: error.status }));
  }
  return await leadOn(c, outcome);
}
