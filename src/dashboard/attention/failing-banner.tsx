import type { WebhookRow } from '../../db/webhooks.ts';
import type { LastFailure } from '../../domain/delivery/failure.ts';
import { maxWaitMs } from '../../domain/delivery/lifecycle.ts';
import { answerInWords } from '../../domain/event/operational-event.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { RelativeTime, Time } from '../parts/time.tsx';
import { span } from '../parts/wording.ts';
import { failureText } from '../words/attempt-words.ts';
import { list } from '../words/formats.ts';
import { bold, rich, t } from '../words/words.tsx';
import { RetryFailed, TestAgain } from './actions.tsx';
import { Banner } from './banner.tsx';
import { causeTitle, helpWith } from './failure-words.ts';
import type { Outlook } from './outlook.ts';

interface Props {
  webhook: WebhookRow;
  visit: Visit;
  outlook: Outlook;
}

/** That attempts fail, why, since when, what happens next, and what usually helps. */
export function FailingBanner({ webhook, visit, outlook }: Props) {
  const { lastFailure, outage, waiting } = outlook;
  const held = webhook.health === 'open';
  const since = new Date(outage?.since ?? webhook.healthSince).toISOString();
  return (
    <Banner tone={held ? 'bad' : 'warn'} title={titleOf(outlook)}>
      {lastFailure && <LastAnswer failure={lastFailure} webhook={webhook} visit={visit} />}
      <p>
        {rich('attention.nothingSince', { time: <Time at={since} /> })}{' '}
        {waiting ? rich('attention.waiting', { count: waiting, b: bold }) : null}{' '}
        {held ? <Held {...{ webhook, visit, outlook }} /> : t('attention.retriedAfter', { waits: waits(webhook, visit) })}
      </p>
      {lastFailure && <p>{rich('attention.helps', { b: bold, help: helpWith(lastFailure) })}</p>}
      <div class="actions">
        <TestAgain webhook={webhook} visit={visit} />
        <RetryFailed webhook={webhook} visit={visit} outage={outage} primary={false} />
      </div>
    </Banner>
  );
}

/** What is wrong, as the title says it. */
export function titleOf({ lastFailure }: Pick<Outlook, 'lastFailure'>): string {
  return causeTitle(lastFailure?.cause ?? 'unknown');
}

/** What the endpoint answered last, or what the attempt failed of, and the way to it. */
export function LastAnswer({ failure, webhook, visit }: { failure: LastFailure; webhook: WebhookRow; visit: Visit }) {
  const { deliveryId, number, at, status, excerpt, error } = failure;
  // Whoever may only read does not see what it takes to post to the endpoint.
  const words = visit.can('write') ? error : answerInWords(error, webhook.url);
  const said = words === null ? t('attention.noAnswer') : failureText(words);
  const answer = status === null ? said : <Status status={status} excerpt={excerpt} />;
  return (
    <p>
      {rich('attention.lastAnswer', { answer, ago: <RelativeTime at={new Date(at).toISOString()} nowMs={visit.nowMs} /> })}{' '}
      <a href={`${paths.delivery(webhook.id, deliveryId)}#attempt-${number}`}>{t('attention.seeAttempt')}</a>
    </p>
  );
}

function Status({ status, excerpt }: Pick<LastFailure, 'status' | 'excerpt'>) {
  return (
    <>
      <strong>{status}</strong>
      {excerpt && (
        <>
          {' '}
          <q class="excerpt" dir="auto">
            {excerpt}
          </q>
        </>
      )}
    </>
  );
}

function Held({ webhook, visit, outlook: { nextProbeAt } }: Props) {
  const time = nextProbeAt && <RelativeTime at={nextProbeAt} nowMs={visit.nowMs} />;
  return (
    <>
      {t('attention.held', { days: longestWaitDays(webhook, visit) })} {time && rich('attention.nextTry', { time, b: bold })}
    </>
  );
}

/** `1 min, 5 min and 30 min`. */
function waits(webhook: WebhookRow, visit: Visit): string {
  return list(scheduleOf(webhook, visit).map(span));
}

/** The waits between attempts, in milliseconds. */
function scheduleOf({ retrySchedule }: WebhookRow, { settings }: Visit): readonly number[] {
  return retrySchedule?.map(parseDuration) ?? settings.retryScheduleMs;
}

function longestWaitDays(webhook: WebhookRow, visit: Visit): number {
  return Math.ceil(maxWaitMs({ scheduleMs: scheduleOf(webhook, visit) }) / DAY_MS);
}
