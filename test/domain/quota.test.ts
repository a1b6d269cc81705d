import { describe, expect, it } from 'vitest';
import { keptMs, maxWebhooks, nearnessOf, parseQuotas, quotaOfPlan } from '../../src/domain/quota.ts';

const DAY_MS = 86_400_000;

describe('quotas', () => {
  const text = '{"scale":{"webhooks":5,"eventsPerDay":100000,"keptDays":7},"expansion":{"eventsPerDay":1000000}}';
  const quotas = parseQuotas(text, 30);

  it('are read by plan; what is not named has none', () => {
    expect(quotaOfPlan(quotas, 'scale')).toEqual({ webhooks: 5, eventsPerDay: 100_000, keptDays: 7 });
    expect(quotaOfPlan(quotas, 'expansion')).toEqual({ webhooks: null, eventsPerDay: 1_000_000, keptDays: null });
    expect(quotaOfPlan(quotas, 'enterprise')).toEqual({ webhooks: null, eventsPerDay: null, keptDays: null });
  });

  it('say how many webhooks there may be, and for how long deliveries are kept', () => {
    expect(maxWebhooks(quotaOfPlan(quotas, 'scale'))).toBe(5);
    expect(maxWebhooks(quotaOfPlan(quotas, 'enterprise'))).toBe(20);
    const settings = { quotas, retentionMs: 30 * DAY_MS };
    expect(keptMs(settings, 'scale')).toBe(7 * DAY_MS);
    expect(keptMs(settings, 'enterprise')).toBe(30 * DAY_MS);
    // An outbox that knows no configuration of its webhook.
    expect(keptMs(settings, undefined)).toBe(30 * DAY_MS);
  });

  it.each([
    ['scale=5', 'JSON is needed'],
    ['[]', 'an object of plans is needed'],
    ['{"gold":{}}', 'there is no plan "gold"'],
    ['{"scale":5}', 'an object of quotas is needed for "scale"'],
    ['{"scale":{"events":5}}', '"scale" has no quota "events"'],
    ['{"scale":{"webhooks":21}}', '"webhooks": a whole number from 0 to 20 is needed'],
    ['{"scale":{"eventsPerDay":0}}', '"eventsPerDay": a whole number from 1 to 1000000000 is needed'],
    ['{"scale":{"eventsPerDay":"many"}}', '"eventsPerDay": a whole number'],
    ['{"scale":{"keptDays":31}}', '"keptDays": a whole number from 1 to 30 is needed (RETENTION_DAYS)'],
  ])('are refused where they are %s, and it is said why', (given, why) => {
    expect(() => parseQuotas(given, 30)).toThrow(why);
  });

  it('are near from 80 % on, and reached at 100 %', () => {
    expect([0, 79, 80, 99, 100, 500].map((used) => nearnessOf(used, 100))).toEqual([null, null, 'near', 'near', 'reached', 'reached']);
    expect(nearnessOf(1_000_000, null)).toBeNull();
    // A plan without webhooks: none is too many.
    expect(nearnessOf(0, 0)).toBe('reached');
  });
});
