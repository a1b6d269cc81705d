import type { WebhookRow } from '../../db/webhooks.ts';
import { DAY_MS } from '../../domain/day.ts';
import { parseDuration } from '../../domain/duration.ts';
import type { LastFailure } from '../../domain/failure.ts';
import { maxWaitMs } from '../../domain/lifecycle.ts';
import { answerInWords } from '../../domain/operational-event.ts';
import { paths } from '../paths.ts';
import { RelativeTime, Time } from '../time.tsx';
import type { Visit } from '../visit.ts';
import { count, span } from '../wording.ts';
import { RetryFailed, TestAgain } from './actions.tsx';
import { Banner } from './banner.tsx';
import { CAUSE_TITLES, helpWith } from './failure-words.ts';
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
        Nothing has arrived since <Time at={since} />. {waiting ? <WaitingNow waiting={waiting} /> : null}
        {held ? <Held {...{ webhook, visit, outlook }} /> : `Each delivery is retried after ${waits(webhook, visit)}.`}
      </p>
      {lastFailure && (
        <p>
          <strong>What usually helps:</strong> {helpWith(lastFailure)}
        </p>
      )}
      <div class="actions">
        <TestAgain webhook={webhook} visit={visit} />
        <RetryFailed webhook={webhook} visit={visit} outage={outage} primary={false} />
      </div>
    </Banner>
  );
}

/** What is wrong, as the title says it. */
export function titleOf({ lastFailure }: Pick<Outlook, 'lastFailure'>): string {
  return lastFailure ? CAUSE_TITLES[lastFailure.cause] : 'Deliveries are failing';
}

/** What the endpoint answered last, or what the attempt failed of, and the way to it. */
export function LastAnswer({ failure, webhook, visit }: { failure: LastFailure; webhook: WebhookRow; visit: Visit }) {
  const { deliveryId, number, at, status, excerpt, error } = failure;
  // Whoever may only read does not see what it takes to post to the endpoint.
  const words = visit.can('write') ? error : answerInWords(error, webhook.url);
  return (
    <p>
      Last answer:{' '}
      {status === null ? (
        (words ?? 'none')
      ) : (
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
      )}
      , <RelativeTime at={new Date(at).toISOString()} nowMs={visit.nowMs} />.{' '}
      <a href={`${paths.delivery(webhook.id, deliveryId)}#attempt-${number}`}>See the attempt</a>
    </p>
  );
}

function WaitingNow({ waiting }: { waiting: number }) {
  return (
    <>
      <strong>{count(waiting)}</strong> {waiting === 1 ? 'delivery waits.' : 'deliveries wait.'}{' '}
    </>
  );
}

function Held({ webhook, visit, outlook: { nextProbeAt } }: Props) {
  return (
    <>
      Deliveries are held, for up to {longestWaitDays(webhook, visit)} days each, and go out as soon as one arrives.
      {nextProbeAt && (
        <>
          {' '}
          We try one again{' '}
          <strong>
            <RelativeTime at={nextProbeAt} nowMs={visit.nowMs} />
          </strong>
          .
        </>
      )}
    </>
  );
}

/** `1 min, 5 min and 30 min`. */
function waits(webhook: WebhookRow, visit: Visit): string {
  const all = scheduleOf(webhook, visit).map(span);
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}

/** The waits between attempts, in milliseconds. */
function scheduleOf({ retrySchedule }: WebhookRow, { settings }: Visit): readonly number[] {
  return retrySchedule?.map(parseDuration) ?? settings.retryScheduleMs;
}

function longestWaitDays(webhook: WebhookRow, visit: Visit): number {
  return Math.ceil(maxWaitMs({ scheduleMs: scheduleOf(webhook, visit) }) / DAY_MS);
}
