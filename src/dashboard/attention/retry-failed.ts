import { recoverDeliveries } from '../../api/deliveries/bulk-actions.ts';
import { isoTime } from '../../api/parameters.ts';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { readForm, textOf } from '../parts/form.ts';
import { done, leaveMessage } from '../webhook/webhook-actions.ts';
import { webhookOf } from '../webhook/webhook-page.tsx';
import { t } from '../words/words.tsx';

/** `POST <webhook>/retry-failed`: what an outage has cost starts over. The form says which outage: milliseconds since the epoch. */
export async function retryFailed(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const { call, nowMs } = c.get('visit');
  const form = await readForm(c);
  const since = momentIn(textOf(form, 'since')) ?? 0;
  const until = momentIn(textOf(form, 'until'));
  return await leaveMessage(c, paths.webhook(id), async () => {
    const span = { since: isoTime(Math.min(since, nowMs - 1)), ...(until !== null && until > since && { until: isoTime(until) }) };
    const { count } = await call(recoverDeliveries, { params: { webhookId: id }, body: { ...span, status: ['failed'] } });
    if (count === 0) return done(t('attention.retriedNone'));
    return done(t('attention.retried', { count }));
  });
}

/** A moment that one of our forms has sent; null where it is none. */
function momentIn(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,14}$/.test(text) ? Number(text) : null;
}
