import type { Child } from 'hono/jsx';
import type { WebhookRow } from '../db/webhooks.ts';
import { DAY_MS } from '../domain/day.ts';
import { parseDuration } from '../domain/duration.ts';
import { maxWaitMs } from '../domain/lifecycle.ts';
import { nameOf } from '../domain/webhook.ts';
import { type Condition, conditionOf } from './condition.tsx';
import { Icon } from './icons.tsx';
import { paths } from './paths.ts';
import { PlanNotice, planAllows } from './plan-notice.tsx';
import { RelativeTime, Time } from './time.tsx';
import type { Visit } from './visit.ts';
import { count, exactly, exactlyCounted, span } from './wording.ts';

/** What a banner needs to say what happens next. */
export interface Outlook {
  nextProbeAt: string | null;
  /** When a delivery last arrived, milliseconds since the epoch; null: none has; undefined where that is not known. */
  lastDeliveredAt: number | null | undefined;
  /** Deliveries that have not ended; null where they could not be counted. */
  waiting: number | null;
  /** The recovery that goes on, if one does. */
  recovering: { count: number | null; recovered: number; requestedAt: string } | null;
}

/** Why the service disabled a webhook, in words. */
const DISABLED: Record<string, string> = {
  endpoint_gone: 'Its endpoint answered 410 Gone, which says that it wants no more deliveries.',
  endpoint_failing: 'Nothing but failures came from its endpoint for days.',
};

/** What is wrong with a webhook, what happens next and when, and what to do. Nothing where all is well. */
export function Banners({ webhook, visit, outlook }: { webhook: WebhookRow; visit: Visit; outlook: Outlook }) {
  const condition = conditionOf(webhook, { included: planAllows(visit), lastDeliveredAt: outlook.lastDeliveredAt });
  return (
    <div id="banners" data-live="">
      {!planAllows(visit) && <PlanNotice visit={visit} hasWebhooks />}
      {isOfConcern(condition) && <ConditionBanner condition={condition} webhook={webhook} visit={visit} outlook={outlook} />}
      <Twins webhook={webhook} visit={visit} />
      {outlook.recovering && (
        <Banner tone="info" title="A recovery is under way">
          <p>
            {recoveredWords(outlook.recovering)} started over so far. They go out a few at a time, at a rising pace, so that your endpoint
            is not knocked over. Asked for <RelativeTime at={outlook.recovering.requestedAt} nowMs={visit.nowMs} />.
          </p>
        </Banner>
      )}
    </div>
  );
}

/** “1,200 of 100,000 deliveries have”. */
function recoveredWords({ count: all, recovered }: NonNullable<Outlook['recovering']>): string {
  return all === null
    ? exactlyCounted(recovered, 'delivery has', 'deliveries have')
    : `${exactly(recovered)} of ${exactlyCounted(all, 'delivery has', 'deliveries have')}`;
}

/** Those that have a banner of their own. A plan without webhooks has its notice. */
type Concern = Exclude<Condition, 'healthy' | 'untried' | 'excluded'>;

function isOfConcern(condition: Condition): condition is Concern {
  return condition !== 'healthy' && condition !== 'untried' && condition !== 'excluded';
}

interface ConditionBannerProps {
  condition: Concern;
  webhook: WebhookRow;
  visit: Visit;
  outlook: Outlook;
}

function ConditionBanner({ condition, webhook, visit, outlook }: ConditionBannerProps) {
  const since = <Time at={new Date(webhook.healthSince).toISOString()} />;
  if (condition === 'failing')
    return (
      <Banner tone="warn" title="Deliveries are failing">
        <p>
          Attempts have been failing since {since}. A delivery that fails is retried after {scheduleOf(webhook, visit).map(span).join(', ')}
          , and then counts as failed. If the failures go on, deliveries are held until the endpoint answers again.
        </p>
        <Waiting waiting={outlook.waiting} />
      </Banner>
    );
  if (condition === 'open')
    return (
      <Banner tone="bad" title="The endpoint does not respond">
        <p>
          Nothing but failures since {since}. Deliveries are held, up to {longestWaitDays(webhook, visit)} days each, and keep their
          retries. One at a time is sent as a probe, at growing intervals; as soon as a probe succeeds, all of them go out.{' '}
          {outlook.nextProbeAt && (
            <strong>
              The next probe goes out <RelativeTime at={outlook.nextProbeAt} nowMs={visit.nowMs} />.
            </strong>
          )}
        </p>
        <Waiting waiting={outlook.waiting} />
      </Banner>
    );
  const disabled = condition === 'disabled';
  return (
    <Banner tone={disabled ? 'bad' : 'info'} title={disabled ? 'This webhook was disabled' : 'This webhook is paused'}>
      <p>
        {disabled && `${DISABLED[webhook.disabledReason ?? ''] ?? ''} `}
        Events that come meanwhile are recorded as discarded. Once the webhook is enabled again you can recover them.
      </p>
      {visit.can('write') && planAllows(visit) && (
        <form method="post" action={paths.webhook(webhook.id, 'resume')}>
          <button type="submit">{disabled ? 'Enable again' : 'Resume'}</button>
        </form>
      )}
    </Banner>
  );
}

/** Says that other webhooks have the same URL: two are allowed, and mostly a mistake. */
function Twins({ webhook, visit }: { webhook: WebhookRow; visit: Visit }) {
  // As requests go to it, however it was typed.
  const { href } = new URL(webhook.url);
  const twins = visit.webhooks.filter(({ id, url }) => id !== webhook.id && new URL(url).href === href);
  if (twins.length === 0) return null;
  return (
    <Banner
      tone="info"
      title={twins.length === 1 ? 'Another webhook has the same URL' : `${twins.length} other webhooks have the same URL`}
    >
      <p>
        An event that {twins.length === 1 ? 'both' : 'several of them'} subscribe to arrives there more than once. See{' '}
        {twins.map((twin, index) => (
          <>
            {index > 0 && ', '}
            <a href={paths.webhook(twin.id)}>{nameOf(twin)}</a>
          </>
        ))}
        .
      </p>
    </Banner>
  );
}

/** The waits between attempts, in milliseconds. */
function scheduleOf({ retrySchedule }: WebhookRow, { settings }: Visit): readonly number[] {
  return retrySchedule?.map(parseDuration) ?? settings.retryScheduleMs;
}

function longestWaitDays(webhook: WebhookRow, visit: Visit): number {
  return Math.ceil(maxWaitMs({ scheduleMs: scheduleOf(webhook, visit) }) / DAY_MS);
}

function Waiting({ waiting }: { waiting: number | null }) {
  if (!waiting) return null;
  return (
    <p>
      <strong>{count(waiting)}</strong> {waiting === 1 ? 'delivery is' : 'deliveries are'} waiting.
    </p>
  );
}

export function Banner({ tone, title, children }: { tone: 'warn' | 'bad' | 'info'; title: string; children?: Child }) {
  return (
    <section class={`banner ${tone}`}>
      <h2>
        <Icon name={tone === 'info' ? 'info' : 'warning'} />
        {title}
      </h2>
      {children}
    </section>
  );
}
