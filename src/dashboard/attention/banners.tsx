import type { Child } from 'hono/jsx';
import type { WebhookRow } from '../../db/webhooks.ts';
import type { Visit } from '../frame/visit.ts';
import { conditionOf } from '../parts/condition.tsx';
import { PlanNotice, planAllows } from '../parts/plan-notice.tsx';
import { RelativeTime, Time } from '../parts/time.tsx';
import { rich, t } from '../words/words.tsx';
import { Resume, RetryFailed } from './actions.tsx';
import { Banner } from './banner.tsx';
import { FailingBanner, LastAnswer, titleOf } from './failing-banner.tsx';
import { knownReason } from './failure-words.ts';
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
  if (failed === 0) return t('attention.worksAgain');
  return failed === null ? t('attention.worksAgainSome') : t('attention.worksAgainFailed', { count: failed });
}

/** The outage is over; what failed for good in it does not come by itself. */
function PastOutageBanner({ webhook, visit, outlook: { outage }, drains = false }: Props & { drains?: boolean }) {
  if (!outage) return null;
  return (
    <Banner tone={outage.failed === 0 ? 'info' : 'warn'} title={pastTitle(outage)}>
      <p>
        {spanOf(outage)} {drains && t('attention.goingOut')} {outage.failed !== 0 && t('attention.failedStay')}
      </p>
      <div class="actions">
        <RetryFailed webhook={webhook} visit={visit} outage={outage} />
      </div>
    </Banner>
  );
}

/** When nothing arrived. */
function spanOf({ since, until }: ToldOutage): Child {
  const from = <Time at={new Date(since).toISOString()} />;
  if (until === null) return rich('attention.nothingSince', { time: from });
  return rich('attention.nothingBetween', { from, to: <Time at={new Date(until).toISOString()} /> });
}

function stoppedTitle({ disabledReason }: WebhookRow): string {
  return disabledReason === null ? t('attention.paused') : t('attention.disabled');
}

function StoppedBanner({ webhook, visit, outlook: { lastFailure } }: Props) {
  const { disabledReason } = webhook;
  const isDisabled = disabledReason !== null;
  return (
    <Banner tone={isDisabled ? 'bad' : 'info'} title={stoppedTitle(webhook)}>
      {isDisabled && <p>{t(`attention.disabled.${knownReason(disabledReason)}`)}</p>}
      {isDisabled && lastFailure && <LastAnswer failure={lastFailure} webhook={webhook} visit={visit} />}
      <p>{t('attention.stoppedHint')}</p>
      <div class="actions">
        <Resume webhook={webhook} visit={visit} text={isDisabled ? t('attention.enable') : t('attention.resume')} />
      </div>
    </Banner>
  );
}

function RecoveringBanner({ recovering, visit }: { recovering: NonNullable<Outlook['recovering']>; visit: Visit }) {
  const { count, recovered, requestedAt } = recovering;
  return (
    <Banner tone="info" title={t('attention.recovering')}>
      <p>
        {count === null ? t('attention.recoveredSoFar', { recovered }) : t('attention.recoveredOf', { recovered, count })}{' '}
        {rich('attention.recoveringHint', { ago: <RelativeTime at={requestedAt} nowMs={visit.nowMs} /> })}
      </p>
    </Banner>
  );
}
