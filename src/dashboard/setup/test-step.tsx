import { listEventTypes } from '../../api/events/event-types.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { type EventType, sampledType } from '../../domain/event/event-type.ts';
import { withHeadersOf } from '../frame/error-page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { planAllows } from '../parts/plan-notice.tsx';
import { Answer } from '../tests/answer.tsx';
import { type Sending, sendTest } from '../tests/sending.ts';
import { webhookOf } from '../webhook/webhook-page.tsx';
import { errorText } from '../words/error-words.ts';
import { t } from '../words/words.tsx';
import { stepPage, stepPath } from './steps.tsx';

/** `GET <webhook>/setup/test`. */
export async function showSetupTest(c: PageContext): Promise<Response> {
  return await testStep(c, null);
}

/** `POST <webhook>/setup/test`: sends the example of an event that the webhook subscribes to, and shows the answer right here. */
export async function submitSetupTest(c: PageContext): Promise<Response> {
  return await testStep(c, await sendTest(c, webhookOf(c).id, {}));
}

async function testStep(c: PageContext, sending: Sending | null): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const { eventTypes } = await visit.callGeneral(listEventTypes);
  const type = sampledType(webhook.events, eventTypes as EventType[]);
  const refusal = sending && 'refusal' in sending ? sending.refusal : null;
  const sent = sending && 'sent' in sending ? sending.sent : null;
  const worked = sent?.attempt?.outcome === 'succeeded';
  const shown = await stepPage(
    c,
    { step: 'test', title: t('setup.step.test'), status: refusal?.status },
    <div class="narrow-column">
      {refusal && (
        <p class="flash failed" role="alert">
          {errorText(refusal)}
        </p>
      )}
      {sent && <Answer sent={sent} webhook={webhook} />}
      <section class="card step" aria-labelledby="step-title">
        <h2 id="step-title">{sent ? (worked ? t('setup.works') : t('setup.tryAgain')) : t('setup.seeWhether')}</h2>
        <p>{worked ? t('setup.lookForIt') : type ? t('setup.willSendType', { type: type.name }) : t('setup.willSend')}</p>
        <Buttons webhook={webhook} canSend={planAllows(visit)} wasSent={sent !== null} worked={worked} />
      </section>
    </div>,
  );
  return refusal ? withHeadersOf(refusal, shown) : shown;
}

interface ButtonsProps {
  webhook: WebhookRow;
  canSend: boolean;
  wasSent: boolean;
  worked: boolean;
}

function Buttons({ webhook, canSend, wasSent, worked }: ButtonsProps) {
  return (
    <div class="actions">
      {worked && (
        <a class="button primary" href={stepPath(webhook, 'done')}>
          {t('setup.continue')}
        </a>
      )}
      {canSend && (
        <form method="post" action={stepPath(webhook, 'test')}>
          <button type="submit" class={worked ? '' : 'primary'} data-busy={t('button.sending')}>
            {wasSent ? t('test.sendAgain') : t('test.send')}
          </button>
        </form>
      )}
      {wasSent && !worked && (
        <a class="button" href={paths.webhook(webhook.id, 'settings')}>
          {t('setup.change')}
        </a>
      )}
      {!worked && (
        <a class="button" href={stepPath(webhook, 'done')}>
          {wasSent ? t('setup.continueAnyway') : t('setup.skip')}
        </a>
      )}
    </div>
  );
}
