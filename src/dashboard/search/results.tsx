import type { WebhookRow } from '../../db/webhooks.ts';
import { About } from '../deliveries/delivery-table.tsx';
import { whyWords } from '../deliveries/skipped-page.tsx';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { StatusBadge } from '../parts/condition.tsx';
import { planAllows } from '../parts/plan-notice.tsx';
import { Room } from '../parts/room.ts';
import { NextAttempt, Time } from '../parts/time.tsx';
import { REASON_WORDS } from '../parts/wording.ts';
import { holdOf, webhookCrumb } from '../webhook/webhook-page.tsx';
import { failureText } from '../words/attempt-words.ts';
import { rich, t } from '../words/words.tsx';
import type { Found, FoundDelivery, LastAnswer, Skipped } from './look.ts';

/** Of an answer so much is shown in a row; in bytes as a page has them. */
const ANSWER_BYTES = 600;

/** The deliveries that were found: whom each is about, to which webhook, and what became of it. */
export function FoundDeliveries({ found: { deliveries, answers }, visit }: { found: Found; visit: Visit }) {
  return (
    <table class="stacking deliveries found">
      <thead>
        <tr>
          <th scope="col" class="w13">
            {t('deliveries.status')}
          </th>
          <WhoseWhenAndWhy why={t('deliveries.why')} />
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery) => (
          <FoundRow delivery={delivery} answer={answers.get(delivery.id)} visit={visit} />
        ))}
      </tbody>
    </table>
  );
}

function FoundRow({ delivery, answer, visit }: { delivery: FoundDelivery; answer: LastAnswer | undefined; visit: Visit }) {
  const { id, webhookId, status, createdAt, nextAttemptAt } = delivery;
  const webhook = visit.webhooks.find((each) => each.id === webhookId);
  const next = webhook && status === 'retrying' && nextAttemptAt !== null && answer?.error && (
    <> {rich('delivery.next', { next: <NextAttempt at={nextAttemptAt} hold={holdOf(webhook, visit)} nowMs={visit.nowMs} /> })}</>
  );
  return (
    <tr id={id}>
      <td data-label={t('deliveries.status')}>
        <StatusBadge status={status} />
      </td>
      <About delivery={delivery} />
      <td data-label={t('list.webhook')}>{webhook && <WebhookLink webhook={webhook} />}</td>
      <td data-label={t('deliveries.received')}>
        <Time at={createdAt} />
      </td>
      <td data-label={t('deliveries.why')} class="why">
        <span>
          {reasonOf(delivery, answer)}
          {next}
          {answer?.body && <span class="hint answer">{new Room(ANSWER_BYTES).take(oneLine(answer.body)).text}</span>}
        </span>
        {webhook && canBeRetried(delivery, webhook, visit) && (
          <form method="post" action={paths.delivery(webhookId, id, 'retry')}>
            <button type="submit" data-busy={t('attention.retrying')}>
              {t('delivery.retryNow')}
              <span class="visually-hidden"> {delivery.subject ?? id}</span>
            </button>
          </form>
        )}
      </td>
    </tr>
  );
}

export function WebhookLink({ webhook }: { webhook: WebhookRow }) {
  const { name, path } = webhookCrumb(webhook);
  return (
    <a class="webhook-name" href={path}>
      {name}
    </a>
  );
}

/** What became of it, in a sentence: what the endpoint answered says more than that its attempts are used up. */
function reasonOf({ status, reason, lastResponseStatus, attemptCount, nextAttemptAt }: FoundDelivery, answer: LastAnswer | undefined) {
  if (status === 'delivered') return t('search.answered', { status: lastResponseStatus ?? '' });
  if (answer?.error) return asSentence(failureText(answer.error));
  if (reason !== null) return REASON_WORDS[reason];
  if (attemptCount === 0) return t('search.waitsForFirst');
  return nextAttemptAt === null ? t('search.running') : t('search.waitsForNext');
}

function canBeRetried({ status, reason, nextAttemptAt }: FoundDelivery, webhook: WebhookRow, visit: Visit): boolean {
  const isOver = status === 'failed' || status === 'discarded';
  // Whoever has fixed the cause does not wait for the next attempt.
  const waits = status === 'retrying' && nextAttemptAt !== null;
  const isKept = reason !== 'outbox_full' && reason !== 'person_erased';
  return (isOver || waits) && isKept && webhook.enabled && visit.can('write') && planAllows(visit);
}

/** What webhooks skipped, and by which of their conditions. */
export function FoundSkipped({ skipped }: { skipped: readonly Skipped[] }) {
  return (
    <table class="stacking found">
      <thead>
        <tr>
          <WhoseWhenAndWhy why={t('search.whyNotSent')} />
        </tr>
      </thead>
      <tbody>
        {skipped.map(({ webhook, event }) => (
          <tr>
            <th scope="row" data-label={t('deliveries.about')} class="endpoint">
              {event.subject ?? event.event}
              <a class="hint" href={`${paths.search}?${new URLSearchParams({ q: event.eventId })}`}>
                {t('search.atAll')}
                <span class="visually-hidden"> {event.eventId}</span>
              </a>
            </th>
            <td data-label={t('list.webhook')}>
              <WebhookLink webhook={webhook} />
            </td>
            <td data-label={t('deliveries.received')}>
              <Time at={event.at} />
            </td>
            <td data-label={t('search.whyNotSent')} class="why">
              <span>
                {whyWords(event, webhook)}
                {Date.parse(event.at) < webhook.updatedAt && <span class="hint"> {t('skipped.changed')}</span>}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function oneLine(text: string): string {
  return text
    .slice(0, 2 * ANSWER_BYTES)
    .toWellFormed()
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function asSentence(text: string): string {
  const said = new Room(ANSWER_BYTES).take(text).text;
  return /[.!?…]$/.test(said) ? said : `${said}.`;
}

/** The headings that both tables have. */
function WhoseWhenAndWhy({ why }: { why: string }) {
  return (
    <>
      <th scope="col">{t('deliveries.about')}</th>
      <th scope="col" class="w17">
        {t('list.webhook')}
      </th>
      <th scope="col" class="w17">
        {t('deliveries.received')}
      </th>
      <th scope="col" class="w30">
        {why}
      </th>
    </>
  );
}
