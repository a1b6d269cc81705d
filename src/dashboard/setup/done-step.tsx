import { DAY_MS } from '../../domain/day.ts';
import { parseDuration } from '../../domain/duration.ts';
import { nounOf } from '../choices/webhook-words.ts';
import { paths } from '../paths.ts';
import type { PageContext } from '../visit.ts';
import { webhookOf } from '../webhook-page.tsx';
import { exactlyCounted, span } from '../wording.ts';
import { stepPage } from './steps.tsx';

/** `GET <webhook>/setup/done`: what happens from now on, and where to go. */
export async function showSetupDone(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const waits = (webhook.retrySchedule?.map(parseDuration) ?? visit.settings.retryScheduleMs).map(span);
  const isVisitor = nounOf(webhook.events) === 'visitor';
  return await stepPage(
    c,
    { step: 'done', title: 'Your webhook is ready' },
    <section class="card step narrow-column" aria-labelledby="step-title">
      <h2 id="step-title">What happens now</h2>
      <ul>
        <li>
          {isVisitor ? 'Each visitor of your website who is identified' : 'Each event that you have chosen'} is sent to your endpoint within
          seconds.
        </li>
        <li>If your endpoint does not take one, we try again after {waits.join(', ')}. What still fails is kept, and you can retry it.</li>
        <li>
          The webhook’s page shows what was sent and what was answered, for{' '}
          {exactlyCounted(visit.settings.retentionMs / DAY_MS, 'day', 'days')}.
        </li>
      </ul>
      <div class="actions">
        <a class="button primary" href={paths.webhook(webhook.id)}>
          Open the webhook
        </a>
        <a class="button" href={paths.webhook(webhook.id, 'settings')}>
          Send only some events, or in another form
        </a>
        {visit.can('admin') && (
          <a class="button" href={paths.alerts}>
            Be told when it fails
          </a>
        )}
      </div>
    </section>,
  );
}
