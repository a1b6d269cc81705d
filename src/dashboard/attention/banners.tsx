import type { WebhookRow } from '../../db/webhooks.ts';
import { conditionOf } from '../condition.tsx';
import { PlanNotice, planAllows } from '../plan-notice.tsx';
import { RelativeTime, Time } from '../time.tsx';
import type { Visit } from '../visit.ts';
import { exactly, exactlyCounted } from '../wording.ts';
import { Resume, RetryFailed } from './actions.tsx';
import { Banner } from './banner.tsx';
import { FailingBanner, LastAnswer, titleOf } from './failing-banner.tsx';
import type { Outlook, ToldOutage } from './outlook.ts';
import { Twins } from './twins.tsx';

interface Props {
  webhook: WebhookRow;
  visit: Visit;
  outlook: Outlook;
}

/** What is wrong with a webhook, what happens next and when, and what to do. Nothing where all is well. */
export function Banners(props: Props) {
  const { webhook, visit, outlook } = props;
  return (
    <>
      {/* Read out when it changes while the page is open; the banners themselves have countdowns in them. */}
      <p id="banners-said" class="visually-hidden" role="status" data-live="">
        {saidOf(props)}
      </p>
      <div id="banners" data-live="">
        {!planAllows(visit) && <PlanNotice visit={visit} hasWebhooks />}
        <ConditionBanner {...props} />
        <Twins webhook={webhook} visit={visit} />
        {outlook.recovering && <RecoveringBanner recovering={outlook.recovering} visit={visit} />}
      </div>
    </>
  );
}

/** Which banner a webhook's condition has. A plan without webhooks has its notice. */
type Shown = 'failing' | 'drains' | 'stopped' | 'past_outage' | null;

function shownOf({ webhook, visit, outlook }: Props): Shown {
  const condition = conditionOf(webhook, { included: planAllows(visit), lastDeliveredAt: outlook.lastDeliveredAt });
  if (condition === 'excluded') return null;
  if (condition === 'paused' || condition === 'disabled') return 'stopped';
  const isOver = outlook.outage !== null && outlook.outage.until !== null;
  // It answers again, and what waited is going out.
  if (condition === 'failing' && !outlook.lastFailure && isOver) return 'drains';
  if (condition === 'failing' || condition === 'open') return 'failing';
  return isOver ? 'past_outage' : null;
}

/** The banner's title, for whoever does not see it change. */
function saidOf(props: Props): string {
  const { webhook, outlook } = props;
  switch (shownOf(props)) {
    case 'failing':
      return titleOf(outlook);
    case 'drains':
    case 'past_outage':
      return outlook.outage ? pastTitle(outlook.outage) : '';
    case 'stopped':
      return stoppedTitle(webhook);
    case null:
      return '';
  }
}

function ConditionBanner(props: Props) {
  switch (shownOf(props)) {
    case 'failing':
      return <FailingBanner {...props} />;
    case 'drains':
      return <PastOutageBanner {...props} drains />;
    case 'past_outage':
      return <PastOutageBanner {...props} />;
    case 'stopped':
      return <StoppedBanner {...props} />;
    case null:
      return null;
  }
}

function pastTitle({ failed }: ToldOutage): string {
  if (failed === 0) return 'Your endpoint works again';
  if (failed === null) return 'Your endpoint works again; some deliveries failed meanwhile';
  return `Your endpoint works again; ${exactlyCounted(failed, 'delivery', 'deliveries')} failed meanwhile`;
}

/** The outage is over; what failed for good in it does not come by itself. */
function PastOutageBanner({ webhook, visit, outlook: { outage }, drains = false }: Props & { drains?: boolean }) {
  if (!outage) return null;
  return (
    <Banner tone={outage.failed === 0 ? 'info' : 'warn'} title={pastTitle(outage)}>
      <p>
        Nothing arrived from <Time at={new Date(outage.since).toISOString()} />
        {outage.until !== null && (
          <>
            {' '}
            to <Time at={new Date(outage.until).toISOString()} />
          </>
        )}
        .{drains && ' What waited is going out now, a few at a time.'}
        {outage.failed !== 0 && ' What failed for good is not sent again by itself.'}
      </p>
      <div class="actions">
        <RetryFailed webhook={webhook} visit={visit} outage={outage} />
      </div>
    </Banner>
  );
}

/** Why the service disabled a webhook, in words. */
const DISABLED: Record<string, string> = {
  endpoint_gone: 'Its endpoint answered 410 Gone: it wants no more deliveries.',
  endpoint_failing: 'Nothing arrived at its endpoint for days.',
};

function stoppedTitle({ disabledReason }: WebhookRow): string {
  return disabledReason === null ? 'This webhook is paused' : 'This webhook was disabled';
}

function StoppedBanner({ webhook, visit, outlook: { lastFailure } }: Props) {
  const { disabledReason } = webhook;
  const isDisabled = disabledReason !== null;
  return (
    <Banner tone={isDisabled ? 'bad' : 'info'} title={stoppedTitle(webhook)}>
      {isDisabled && <p>{DISABLED[disabledReason]}</p>}
      {isDisabled && lastFailure && <LastAnswer failure={lastFailure} webhook={webhook} visit={visit} />}
      <p>Events that come meanwhile are recorded as discarded. You can retry them once the webhook is enabled again.</p>
      <div class="actions">
        <Resume webhook={webhook} visit={visit} text={isDisabled ? 'Enable again' : 'Resume'} />
      </div>
    </Banner>
  );
}

function RecoveringBanner({ recovering, visit }: { recovering: NonNullable<Outlook['recovering']>; visit: Visit }) {
  return (
    <Banner tone="info" title="A recovery is under way">
      <p>
        {recoveredWords(recovering)} started over so far. They go out a few at a time, so that your endpoint is not overloaded. Asked for{' '}
        <RelativeTime at={recovering.requestedAt} nowMs={visit.nowMs} />.
      </p>
    </Banner>
  );
}

/** “1,200 of 100,000 deliveries have”. */
function recoveredWords({ count: all, recovered }: NonNullable<Outlook['recovering']>): string {
  return all === null
    ? exactlyCounted(recovered, 'delivery has', 'deliveries have')
    : `${exactly(recovered)} of ${exactlyCounted(all, 'delivery has', 'deliveries have')}`;
}
