import { listEventTypes } from '../api/event-types.ts';
import { createWebhook, updateWebhook } from '../api/webhooks.ts';
import type { Problems } from './field.tsx';
import { setFlash } from './flash.ts';
import { readForm } from './form.ts';
import { page, rootCrumb } from './page.tsx';
import { paths } from './paths.ts';
import { PlanNotice, planAllows } from './plan-notice.tsx';
import type { PageContext } from './visit.ts';
import { WebhookForm } from './webhook-form.tsx';
import { EMPTY_FORM, problemsOf, sharedInput, valuesOfForm, valuesOfWebhook, type WebhookFormValues } from './webhook-input.ts';
import { webhookCrumb, webhookOf } from './webhook-page.tsx';

const NO_PROBLEMS: Problems = new Map();

/** `GET new`. */
export async function showNew(c: PageContext): Promise<Response> {
  return await newPage(c, EMPTY_FORM, NO_PROBLEMS);
}

/** `POST new`: creates the webhook, and leads to the page that tells how to verify what it will send. */
export async function submitNew(c: PageContext): Promise<Response> {
  const form = await readForm(c);
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
    await setFlash(c, { kind: 'done', message: 'The webhook is saved and gets events from now on.', secret: created.secret ?? own });
    return c.redirect(paths.webhook(created.id, 'verify'), 303);
  } catch (error) {
    return await newPage(c, values, problemsOf(error, values));
  }
}

/** `GET <webhook>/edit`. */
export async function showEdit(c: PageContext): Promise<Response> {
  return await editPage(c, valuesOfWebhook(webhookOf(c)), NO_PROBLEMS);
}

/** `POST <webhook>/edit`. */
export async function submitEdit(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const form = await readForm(c);
  const values = valuesOfForm(form);
  const { secretChoice, secret } = values;
  try {
    const body = {
      ...sharedInput(form),
      ...(secretChoice === 'own' && { secret }),
      ...(secretChoice === 'none' && { secret: null }),
    };
    await c.get('visit').call(updateWebhook, { params: { webhookId: webhook.id }, body });
    await setFlash(c, { kind: 'done', message: 'Saved. It is in force everywhere within 5 seconds, for retries as well.' });
    return c.redirect(paths.webhook(webhook.id), 303);
  } catch (error) {
    return await editPage(c, values, problemsOf(error, values));
  }
}

async function newPage(c: PageContext, values: WebhookFormValues, problems: Problems): Promise<Response> {
  const visit = c.get('visit');
  const { eventTypes } = await visit.callGeneral(listEventTypes);
  const allowed = planAllows(visit);
  return await page(
    c,
    { title: 'Add Webhook', crumbs: [rootCrumb], status: problems.size > 0 ? 422 : 200 },
    <>
      <div class="page-head">
        <h1>Add Webhook</h1>
      </div>
      {allowed ? (
        <WebhookForm action={paths.create} back={paths.list} values={values} problems={problems} eventTypes={eventTypes} existing={null} />
      ) : (
        <PlanNotice visit={visit} hasWebhooks={false} />
      )}
    </>,
  );
}

async function editPage(c: PageContext, values: WebhookFormValues, problems: Problems): Promise<Response> {
  const webhook = webhookOf(c);
  const { eventTypes } = await c.get('visit').callGeneral(listEventTypes);
  return await page(
    c,
    { title: 'Edit webhook', crumbs: [rootCrumb, webhookCrumb(webhook)], status: problems.size > 0 ? 422 : 200 },
    <>
      <div class="page-head">
        <h1>Edit webhook</h1>
      </div>
      <WebhookForm
        action={paths.webhook(webhook.id, 'edit')}
        back={paths.webhook(webhook.id)}
        values={values}
        problems={problems}
        eventTypes={eventTypes}
        existing={{ hasSecret: webhook.secret !== null }}
      />
    </>,
  );
}
