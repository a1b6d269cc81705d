import { listEventTypes } from '../../api/event-types.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { type EventType, sampledType } from '../../domain/event-type.ts';
import { withHeadersOf } from '../error-page.tsx';
import { paths } from '../paths.ts';
import { planAllows } from '../plan-notice.tsx';
import { Answer } from '../tests/answer.tsx';
import { type Sending, sendTest } from '../tests/sending.ts';
import type { PageContext } from '../visit.ts';
import { webhookOf } from '../webhook-page.tsx';
import { errorText } from '../words/error-words.ts';
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
    { step: 'test', title: 'Send a test', status: refusal?.status },
    <div class="narrow-column">
      {refusal && (
        <p class="flash failed" role="alert">
          {errorText(refusal)}
        </p>
      )}
      {sent && <Answer sent={sent} webhook={webhook} />}
      <section class="card step" aria-labelledby="step-title">
        <h2 id="step-title">{sent ? (worked ? 'It works' : 'Try again once that is fixed') : 'See whether it arrives'}</h2>
        <p>
          {worked
            ? 'Look for it in your tool, too: it is an example, marked as a test.'
            : `We send an example${type ? ` of ${type.name}` : ''} now, marked as a test, and show you what your endpoint answers.`}
        </p>
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
          Go on
        </a>
      )}
      {canSend && (
        <form method="post" action={stepPath(webhook, 'test')}>
          <button type="submit" class={worked ? '' : 'primary'} data-busy="Sending…">
            {wasSent ? 'Send it again' : 'Send test event'}
          </button>
        </form>
      )}
      {wasSent && !worked && (
        <a class="button" href={paths.webhook(webhook.id, 'settings')}>
          Change the webhook
        </a>
      )}
      {!worked && (
        <a class="button" href={stepPath(webhook, 'done')}>
          {wasSent ? 'Go on anyway' : 'Skip'}
        </a>
      )}
    </div>
  );
}
