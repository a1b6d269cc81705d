import { getUsage } from '../../api/account/usage.ts';
import { countOfEndpoints } from '../../domain/endpoint/listen-url.ts';
import { maxWebhooks, nearnessOf, type Quota, quotaOfPlan } from '../../domain/quota.ts';
import { dayOf } from '../../domain/text/day.ts';
import { dayText } from '../../domain/usage.ts';
import { logError } from '../../log.ts';
import { within } from '../../within.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { t } from '../words/words.tsx';

/** A list does not wait longer for how many events there were today: what is counted so far is there for the next one. */
const TODAY_TIMEOUT_MS = 2_000;

export function quotaOf({ settings, organization }: Visit): Quota {
  return quotaOfPlan(settings.quotas, organization.plan);
}

/** How many events there were today; null where the plan has no quota for them, or nobody can say in time. */
export async function eventsToday(visit: Visit): Promise<number | null> {
  if (quotaOf(visit).eventsPerDay === null || visit.webhooks.length === 0) return null;
  const today = dayText(dayOf(visit.nowMs));
  try {
    const { totals } = await within(TODAY_TIMEOUT_MS, visit.call(getUsage, { query: { from: today, to: today } }));
    return totals.events;
  } catch (error) {
    // Nobody is to miss the list for it.
    logError('dashboard.usage_unknown', error, { organization: visit.organization.id });
    return null;
  }
}

interface QuotaNoticeProps {
  visit: Visit;
  /** Today's; null: nobody knows. */
  events: number | null;
  isOnUsagePage?: boolean;
}

/** Says what is near its quota or has reached it, before somebody finds out by being refused. */
export function QuotaNotice({ visit, events, isOnUsagePage = false }: QuotaNoticeProps) {
  const quota = quotaOf(visit);
  const count = countOfEndpoints(visit.webhooks);
  const ofEvents = nearnessOf(events ?? 0, quota.eventsPerDay);
  const ofWebhooks = nearnessOf(count, quota.webhooks);
  const { upgradeUrl } = visit.settings.dashboard;
  if (ofEvents === null && ofWebhooks === null) return null;
  return (
    <section class={ofEvents === 'reached' ? 'banner warn' : 'banner info'} aria-label={t('quota.title')}>
      {ofEvents !== null && (
        <p>
          {t(`quota.events.${ofEvents}`, { count: events ?? 0, quota: quota.eventsPerDay ?? 0 })} {t('quota.nothingLost')}
        </p>
      )}
      {ofWebhooks !== null && <p>{t(`quota.webhooks.${ofWebhooks}`, { count, quota: maxWebhooks(quota) })}</p>}
      {(!isOnUsagePage || upgradeUrl) && (
        <p class="links">
          {!isOnUsagePage && <a href={paths.usage}>{t('quota.usage')}</a>}
          {upgradeUrl && (
            <a href={upgradeUrl.href} target="_top" rel="noopener">
              {t('quota.upgrade')}
            </a>
          )}
        </p>
      )}
    </section>
  );
}
