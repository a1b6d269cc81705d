import { keptMs } from '../../domain/quota.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { nounOf } from '../choices/webhook-words.ts';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { span } from '../parts/wording.ts';
import { webhookOf } from '../webhook/webhook-page.tsx';
import { list } from '../words/formats.ts';
import { t } from '../words/words.tsx';
import { stepPage } from './steps.tsx';

/** `GET <webhook>/setup/done`: what happens from now on, and where to go. */
export async function showSetupDone(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const waits = (webhook.retrySchedule?.map(parseDuration) ?? visit.settings.retryScheduleMs).map(span);
  const isVisitor = nounOf(webhook.events) === 'visitor';
  const isChosen = webhook.filter !== null || webhook.once !== null;
  return await stepPage(
    c,
    { step: 'done', title: t('setup.ready') },
    <section class="card step narrow-column" aria-labelledby="step-title">
      <h2 id="step-title">{t('setup.whatNow')}</h2>
      <ul>
        <li>{isVisitor ? t(isChosen ? 'setup.chosenVisitors' : 'setup.eachVisitor') : t('setup.eachEvent')}</li>
        <li>{t('setup.retries', { waits: list(waits) })}</li>
        <li>{t('setup.log', { days: keptMs(visit.settings, visit.organization.plan) / DAY_MS })}</li>
      </ul>
      <div class="actions">
        <a class="button primary" href={paths.webhook(webhook.id)}>
          {t('setup.open')}
        </a>
        <a class="button" href={paths.webhook(webhook.id, 'settings')}>
          {t(isChosen ? 'setup.change' : 'setup.choose')}
        </a>
        {visit.can('admin') && (
          <a class="button" href={paths.alerts}>
            {t('setup.alerts')}
          </a>
        )}
      </div>
    </section>,
  );
}
