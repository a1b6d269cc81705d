import { type ListedWebhook, withStatus } from '../../api/webhooks/webhook-list.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import type { LastFailure } from '../../domain/delivery/failure.ts';
import { shownUrl } from '../../domain/endpoint/shown-url.ts';
import { nameOf } from '../../domain/webhook/webhook.ts';
import { type ToldOutage, toldOutage } from '../attention/outlook.ts';
import { twinsOf } from '../attention/twins.tsx';
import type { PageContext, Visit } from '../frame/visit.ts';
import { type Condition, conditionOf } from '../parts/condition.tsx';
import { planAllows } from '../parts/plan-notice.tsx';

/** A webhook as the first page tells of it. */
export interface Listed {
  webhook: WebhookRow;
  name: string;
  activity: ListedWebhook['activity'] | null;
  condition: Condition;
  /** Deliveries that have not ended; null where its outbox does not say. */
  waiting: number | null;
  lastFailure: LastFailure | null;
  outage: ToldOutage | null;
  /** What others that have the same URL are called. */
  twins: readonly string[];
}

/** Those who can be found have so many webhooks at least: fewer are seen at a glance. */
export const FILTERED_FROM = 8;

/** An organization's webhooks: what needs attention first, then by name. */
export async function listedWebhooks(c: PageContext): Promise<Listed[]> {
  const visit = c.get('visit');
  const answers = await withStatus(c.env, visit.webhooks);
  const listed = await Promise.all(
    visit.webhooks.map(async (webhook, index): Promise<Listed> => {
      const { webhook: shown, status = null } = answers[index] ?? {};
      const activity = shown?.activity ?? null;
      const condition = conditionOf(webhook, { included: planAllows(visit), lastDeliveredAt: activity?.lastDeliveredAt });
      return {
        ...{ webhook, name: nameOf(webhook), activity, condition },
        waiting: activity?.statistics?.waiting ?? null,
        lastFailure: status?.lastFailure ?? null,
        outage: await toldOutage(c.env, webhook.id, status, visit.nowMs),
        twins: twinsOf(webhook, visit.webhooks).map(nameOf),
      };
    }),
  );
  return listed.sort((a, b) => Number(needsAttention(b)) - Number(needsAttention(a)) || byName.compare(a.name, b.name));
}

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Whether somebody has to do something: it fails, was disabled by the service, or an outage has cost something. Pausing is their own choice. */
export function needsAttention({ condition, outage }: Pick<Listed, 'condition' | 'outage'>): boolean {
  if (condition === 'excluded' || condition === 'paused') return false;
  return condition === 'failing' || condition === 'open' || condition === 'disabled' || (outage !== null && outage.failed !== 0);
}

/** Those whose name, or URL as the person sees it, has a text in it. A secret part of a URL is not found by whoever may not see it. */
export function matching(listed: readonly Listed[], text: string, visit: Visit): Listed[] {
  const sought = text.trim().toLowerCase();
  const mayWrite = visit.can('write');
  return listed.filter(({ name, webhook }) => `${name}\n${shownUrl(webhook.url, { mayWrite })}`.toLowerCase().includes(sought));
}
