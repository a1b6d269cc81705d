import type { Child } from 'hono/jsx';
import { listEventTypes } from '../api/event-types.ts';
import { createWebhook, updateWebhook } from '../api/webhooks.ts';
import { MAX_WEBHOOKS } from '../domain/webhook.ts';
import { withHeadersOf } from './error-page.tsx';
import { type Flash, setFlash } from './flash.ts';
import { readForm } from './form.ts';
import { heldForm, RESTORED } from './held-form.ts';
import { page, rootCrumb } from './page.tsx';
import { paths } from './paths.ts';
import { PlanNotice, planAllows } from './plan-notice.tsx';
import type { PageContext, Visit } from './visit.ts';
import { WebhookForm } from './webhook-form.tsx';
import {
  EMPTY_FORM,
  type Refusal,
  refusalOf,
  sharedInput,
  valuesOfForm,
  valuesOfWebhook,
  type WebhookFormValues,
} from './webhook-input.ts';
import { webhookCrumb, webhookOf } from './webhook-page.tsx';

/** `GET new`. */
export async function showNew(c: PageContext): Promise<Response> {
  return await newPage(c, EMPTY_FORM, null);
}

/** `POST new`: creates the webhook, and leads to the page that tells how to verify what it will send. */
export async function submitNew(c: PageContext): Promise<Response> {
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await newPage(c, valuesOfForm(held), null, RESTORED);
  const values = valuesOfForm(form);
  const { secretChoice, secret } = values;
  try {
    const body = {
      ...sharedInput(form),
      generateSecret: secretChoice === 'generate',
      // An empty one is refused beside its field; a null would be none.
      ...(secretChoice === 'own' && { secret }),
    };
    const created = await c.get('visit').call(createWebhook, { body });
    const own = secretChoice === 'own' ? secret : undefined;
    const unsigned = created.hasSecret ? [] : ['Its deliveries are not signed.'];
    const said = [
      'The webhook is saved, and gets events within 5 seconds.',
      ...unsigned,
      ...unusedSecret(values),
      ...(created.warnings ?? []),
    ];
    const message = said.join(' ');
    await setFlash(c, { kind: 'done', message, secret: created.secret ?? own });
    return c.redirect(paths.webhook(created.id, 'verify'), 303);
  } catch (error) {
    return await newPage(c, values, refusalOf(c, error, values));
  }
}

/** `GET <webhook>/edit`. */
export async function showEdit(c: PageContext): Promise<Response> {
  return await editPage(c, valuesOfWebhook(webhookOf(c)), null);
}

/** `POST <webhook>/edit`. */
export async function submitEdit(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await editPage(c, valuesOfForm(held), null, RESTORED);
  const values = valuesOfForm(form);
  const { secretChoice, secret } = values;
  try {
    const body = {
      ...sharedInput(form),
      ...(secretChoice === 'own' && { secret }),
      ...(secretChoice === 'none' && { secret: null }),
    };
    const { warnings = [] } = await c.get('visit').call(updateWebhook, { params: { webhookId: webhook.id }, body });
    const said = ['Saved. It is in force everywhere within 5 seconds, for retries as well.', ...unusedSecret(values), ...warnings];
    const message = said.join(' ');
    await setFlash(c, { kind: 'done', message });
    return c.redirect(paths.webhook(webhook.id), 303);
  } catch (error) {
    return await editPage(c, values, refusalOf(c, error, values));
  }
}

/** Without scripts, typing a secret does not choose it: who did that is told, or their endpoint would wait for another signature. */
function unusedSecret({ secretChoice, secret }: WebhookFormValues): string[] {
  return secretChoice !== 'own' && secret !== '' ? ['The secret that you typed was not used.'] : [];
}

async function newPage(c: PageContext, values: WebhookFormValues, refusal: Refusal | null, flash?: Flash): Promise<Response> {
  const visit = c.get('visit');
  const { eventTypes } = await visit.callGeneral(listEventTypes);
  // Who has typed something sees it again, whatever stands in the way.
  const hindrance = refusal || flash ? null : hindranceOf(visit);
  const shown = await page(
    c,
    { title: 'Add Webhook', crumbs: [rootCrumb], status: refusal?.error.status, flash },
    <>
      <div class="page-head">
        <h1>Add Webhook</h1>
      </div>
      {hindrance ?? (
        <WebhookForm action={paths.create} back={paths.list} values={values} refusal={refusal} eventTypes={eventTypes} existing={null} />
      )}
    </>,
  );
  return refusal ? withHeadersOf(refusal.error, shown) : shown;
}

async function editPage(c: PageContext, values: WebhookFormValues, refusal: Refusal | null, flash?: Flash): Promise<Response> {
  const webhook = webhookOf(c);
  const { eventTypes } = await c.get('visit').callGeneral(listEventTypes);
  const shown = await page(
    c,
    { title: 'Edit webhook', crumbs: [rootCrumb, webhookCrumb(webhook)], status: refusal?.error.status, flash },
    <>
      <div class="page-head">
        <h1>Edit webhook</h1>
      </div>
      <WebhookForm
        action={paths.webhook(webhook.id, 'edit')}
        back={paths.webhook(webhook.id)}
        values={values}
        refusal={refusal}
        eventTypes={eventTypes}
        existing={{ hasSecret: webhook.secret !== null, canSetSecret: c.get('visit').can('admin') }}
      />
    </>,
  );
  return refusal ? withHeadersOf(refusal.error, shown) : shown;
}

/** What is said in the place of a form that would be refused, whatever it held. */
function hindranceOf(visit: Visit): Child {
  if (!planAllows(visit)) return <PlanNotice visit={visit} hasWebhooks={false} />;
  if (visit.webhooks.length < MAX_WEBHOOKS) return null;
  return (
    <section class="card notice">
      <p>All {MAX_WEBHOOKS} webhooks are in use. Delete one to add another.</p>
      <p>
        <a class="button" href={paths.list}>
          To the webhooks
        </a>
      </p>
    </section>
  );
}
