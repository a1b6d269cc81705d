import type { ApiError } from '../../api/errors.ts';
import { testWebhook } from '../../api/webhooks/webhook-tests.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { took } from '../parts/wording.ts';
import { refusedOf } from '../webhook/webhook-input.ts';
import { failureText } from '../words/attempt-words.ts';
import { t } from '../words/words.tsx';

/** What is sent: an event of one's own, or that of a delivery; neither: the example of a type that the webhook subscribes to. */
export interface TestBody {
  deliveryId?: string;
  payload?: Record<string, unknown>;
}

/** A test that was made, as the API answers it. */
export type Sent = Awaited<ReturnType<typeof testOf>>;

/** What came of sending one: it was made, or it was not taken. */
export type Sending = { sent: Sent } | { refusal: ApiError };

/** Sends a test and waits for its attempt, also where that fails. */
export async function testOf(visit: Visit, webhookId: string, body: TestBody) {
  return await visit.call(testWebhook, { params: { webhookId }, body });
}

/** As `testOf`; a refusal that a person can do something about is a value. */
export async function sendTest(c: PageContext, webhookId: string, body: TestBody): Promise<Sending> {
  try {
    return { sent: await testOf(c.get('visit'), webhookId, body) };
  } catch (thrown) {
    return { refusal: refusedOf(c, thrown) };
  }
}

/** Whether it arrived, in a sentence. */
export function outcomeWords({ delivery, attempt }: Sent): string {
  if (attempt === null) return t('test.notBuilt', { error: delivery.error ?? '' });
  if (attempt.outcome === 'succeeded') return t('test.arrived', { status: attempt.responseStatus ?? '', time: took(attempt.durationMs) });
  return attempt.error === null ? t('test.failedSilently') : t('test.failed', { error: failureText(attempt.error) });
}
