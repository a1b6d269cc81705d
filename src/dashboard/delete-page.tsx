import { deleteWebhook } from '../api/webhooks.ts';
import { nameOf } from '../domain/webhook.ts';
import { setFlash } from './flash.ts';
import { page, rootCrumb } from './page.tsx';
import { paths } from './paths.ts';
import type { PageContext } from './visit.ts';
import { webhookCrumb, webhookOf } from './webhook-page.tsx';
import { WebhookUrl } from './webhook-url.tsx';

/** `GET <webhook>/delete`: asks once more. */
export async function showDelete(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  return await page(
    c,
    { title: 'Delete webhook', crumbs: [rootCrumb, webhookCrumb(webhook)] },
    <section class="card notice">
      <h1>Delete “{nameOf(webhook)}”?</h1>
      <p>
        <WebhookUrl url={webhook.url} visit={c.get('visit')} />
      </p>
      <p>
        Nothing is sent to it any more, what waits included, and the record of its deliveries is erased. This cannot be undone. To stop for
        a while, pause it instead.
      </p>
      <form method="post" action={paths.webhook(webhook.id, 'delete')} class="actions">
        <button type="submit" class="danger">
          Delete webhook
        </button>
        <a class="button" href={paths.webhook(webhook.id, 'settings')}>
          Keep it
        </a>
      </form>
    </section>,
  );
}

/** `POST <webhook>/delete`. */
export async function submitDelete(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  await c.get('visit').call(deleteWebhook, { params: { webhookId: webhook.id } });
  await setFlash(c, { kind: 'done', message: `The webhook “${nameOf(webhook)}” is deleted.` });
  return c.redirect(paths.list, 303);
}
