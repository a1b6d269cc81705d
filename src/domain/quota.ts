import { PLANS, type Plan } from './plan.ts';
import { DAY_MS } from './text/day.ts';
import { MAX_WEBHOOKS } from './webhook/webhook.ts';

/** What an organization on a plan may use; null: as much as anybody. */
export interface Quota {
  /** Webhooks, those of `listen` not counted. A further one is refused; those that are there stay. */
  webhooks: number | null;
  /** Events in a day (UTC). Nobody loses an event for it: who is beyond is told, and shown. */
  eventsPerDay: number | null;
  /** Days for which deliveries are kept, where these are fewer than the deployment's. */
  keptDays: number | null;
}

export type Quotas = Readonly<Partial<Record<Plan, Quota>>>;

const NO_QUOTA: Quota = { webhooks: null, eventsPerDay: null, keptDays: null };

/** From this share of a quota on its owner is told. */
export const NEAR_QUOTA = 0.8;

const LIMITS = {
  webhooks: [0, MAX_WEBHOOKS],
  eventsPerDay: [1, 1_000_000_000],
  keptDays: [1, 3_650],
} as const satisfies Record<keyof Quota, readonly [least: number, most: number]>;

/**
 * Quotas by plan, as a setting has them: `{ "scale": { "webhooks": 5, "eventsPerDay": 100000, "keptDays": 7 } }`. What is not named has none. Throws
 * where it is not that, in words for the operator.
 * @param retentionDays no plan keeps more than the deployment does
 */
export function parseQuotas(text: string, retentionDays: number): Quotas {
  const plans = objectOf(parseJson(text), 'an object of plans is needed');
  return Object.fromEntries(
    Object.entries(plans).map(([plan, given]) => {
      if (!(PLANS as readonly string[]).includes(plan)) throw new RangeError(`there is no plan "${plan}": they are ${PLANS.join(', ')}`);
      return [plan, quotaOf(plan, objectOf(given, `an object of quotas is needed for "${plan}"`), retentionDays)];
    }),
  );
}

/** The quota of a plan. */
export function quotaOfPlan(quotas: Quotas, plan: Plan): Quota {
  return quotas[plan] ?? NO_QUOTA;
}

/** How many webhooks an organization may have. */
export function maxWebhooks({ webhooks }: Quota): number {
  return webhooks ?? MAX_WEBHOOKS;
}

/** For how long deliveries are kept of an organization on a plan. @param plan undefined: nobody knows which */
export function keptMs({ quotas, retentionMs }: { quotas: Quotas; retentionMs: number }, plan: Plan | undefined): number {
  const keptDays = plan && quotaOfPlan(quotas, plan).keptDays;
  return keptDays ? Math.min(keptDays * DAY_MS, retentionMs) : retentionMs;
}

/** How near something is to its quota; null: nothing to tell of. */
export type Nearness = 'near' | 'reached' | null;

/** @param quota null: there is none */
export function nearnessOf(used: number, quota: number | null): Nearness {
  if (quota === null || used < quota * NEAR_QUOTA) return null;
  return used < quota ? 'near' : 'reached';
}

function quotaOf(plan: string, given: Record<string, unknown>, retentionDays: number): Quota {
  const quota = { ...NO_QUOTA };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(LIMITS, name)) throw new RangeError(`"${plan}" has no quota "${name}": there are ${Object.keys(LIMITS).join(', ')}`);
    const key = name as keyof Quota;
    const [least, most] = key === 'keptDays' ? [LIMITS.keptDays[0], Math.min(LIMITS.keptDays[1], retentionDays)] : LIMITS[key];
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
      throw new RangeError(
        `"${plan}", "${name}": a whole number from ${least} to ${most} is needed${key === 'keptDays' ? ' (RETENTION_DAYS)' : ''}`,
      );
    quota[key] = value as number;
  }
  return quota;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RangeError('JSON is needed, such as {"scale":{"webhooks":5,"eventsPerDay":100000,"keptDays":7}}');
  }
}

function objectOf(value: unknown, complaint: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError(complaint);
  return value as Record<string, unknown>;
}
