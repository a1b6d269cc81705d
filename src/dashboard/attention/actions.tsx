import type { WebhookRow } from '../../db/webhooks.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { planAllows } from '../parts/plan-notice.tsx';
import { exactly } from '../parts/wording.ts';
import { t } from '../words/words.tsx';
import type { ToldOutage } from './outlook.ts';

interface ActionProps {
  webhook: Pick<WebhookRow, 'id' | 'enabled'>;
  visit: Visit;
}

/** Sends a test: if it arrives, the outage is over. */
export function TestAgain({ webhook, visit, primary = true }: ActionProps & { primary?: boolean }) {
  if (!visit.can('write') || !planAllows(visit)) return null;
  return (
    <form method="post" action={paths.webhook(webhook.id, 'test')}>
      <button type="submit" class={primary ? 'primary' : ''} data-busy={t('attention.sending')}>
        {t('attention.testAgain')}
      </button>
    </form>
  );
}

/** Retries what an outage has cost, in one click. */
export function RetryFailed({ webhook, visit, outage, primary = true }: ActionProps & { outage: ToldOutage | null; primary?: boolean }) {
  if (!visit.can('write') || !planAllows(visit) || !webhook.enabled || !outage || outage.failed === 0) return null;
  const { acceptedFrom, until, failed } = outage;
  return (
    <form method="post" action={paths.webhook(webhook.id, 'retry-failed')}>
      <input type="hidden" name="since" value={String(acceptedFrom)} />
      {/* The end of a span is not part of it. */}
      {until !== null && <input type="hidden" name="until" value={String(until + 1)} />}
      <button type="submit" class={primary ? 'primary' : ''} data-busy={t('attention.retrying')}>
        {t('attention.retryFailed')}
        {failed === null ? '' : ` (${exactly(failed)})`}
      </button>
    </form>
  );
}

/** Has a webhook that was paused, or disabled by the service, get events again. */
export function Resume({ webhook, visit, text, primary = true }: ActionProps & { text: string; primary?: boolean }) {
  if (!visit.can('write') || !planAllows(visit)) return null;
  return (
    <form method="post" action={paths.webhook(webhook.id, 'resume')}>
      <button type="submit" class={primary ? 'primary' : ''} data-busy={t('attention.resuming')}>
        {text}
      </button>
    </form>
  );
}
