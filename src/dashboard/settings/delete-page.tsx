import { statusOf } from '../../api/deliveries/outboxes.ts';
import { getStatistics } from '../../api/deliveries/statistics.ts';
import { deleteWebhook } from '../../api/webhooks/webhooks.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { nameOf } from '../../domain/webhook/webhook.ts';
import { setFlash } from '../frame/flash.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { Field } from '../parts/field.tsx';
import { readForm } from '../parts/form.ts';
import { unlessUnreachable } from '../webhook/overview-page.tsx';
import { webhookCrumb, webhookOf } from '../webhook/webhook-page.tsx';
import { WebhookUrl } from '../webhook/webhook-url.tsx';
import { t } from '../words/words.tsx';

/** A webhook that has delivered within this time is in use: its name is asked for, so that no other one is deleted by mistake. */
const IN_USE_MS = 7 * DAY_MS;

/** `GET <webhook>/delete`: says what is lost, and asks. */
export async function showDelete(c: PageContext): Promise<Response> {
  return await deletePage(c, {});
}

/** `POST <webhook>/delete`: of a webhook in use with its name, as it stands on the page. */
export async function submitDelete(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const typed = (await readForm(c)).get('typedName') ?? '';
  const visit = c.get('visit');
  if (visit.can('write') && !isName(typed, nameOf(webhook)) && (await isInUse(c))) return await deletePage(c, { typed });
  await visit.call(deleteWebhook, { params: { webhookId: webhook.id } });
  await setFlash(c, { kind: 'done', message: t('delete.done', { webhook: nameOf(webhook) }) });
  return c.redirect(paths.list, 303);
}

/** Capitals and spaces are no mistake that matters. */
function isName(typed: string, name: string): boolean {
  const plain = (text: string) => text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
  return plain(typed) === plain(name);
}

/** Also where nobody can say when it has delivered last. */
async function isInUse(c: PageContext): Promise<boolean> {
  const lastDeliveredAt = (await statusOf(c.env, webhookOf(c).id))?.lastDeliveredAt;
  if (lastDeliveredAt === null) return false;
  return lastDeliveredAt === undefined || lastDeliveredAt > c.get('visit').nowMs - IN_USE_MS;
}

async function deletePage(c: PageContext, { typed }: { typed?: string }): Promise<Response> {
  const webhook = webhookOf(c);
  const visit = c.get('visit');
  const name = nameOf(webhook);
  const settings = { name: t('webhook.tab.settings'), path: paths.webhook(webhook.id, 'settings') };
  const [losses, asksForName] = await Promise.all([lossesOf(c), isInUse(c)]);
  const problem = typed === undefined ? undefined : t('delete.wrongName', { webhook: name });
  return await page(
    c,
    { title: t('settings.delete'), crumbs: [rootCrumb, webhookCrumb(webhook), settings], status: typed === undefined ? 200 : 422 },
    <section class="card notice prose">
      <h1>{t('delete.ask', { webhook: name })}</h1>
      <p>
        <WebhookUrl url={webhook.url} visit={visit} />
      </p>
      <ul>
        {losses.map((loss) => (
          <li>{loss}</li>
        ))}
      </ul>
      <p>{t('delete.hint')}</p>
      <form method="post" action={paths.webhook(webhook.id, 'delete')} class="form" novalidate>
        {asksForName && (
          <Field name="typedName" label={t('delete.typeName', { webhook: name })} problem={problem}>
            {(attributes) => <input {...attributes} type="text" value={typed} maxlength={300} autocomplete="off" spellcheck={false} />}
          </Field>
        )}
        <div class="actions">
          <button type="submit" class="danger">
            {t('settings.delete')}
          </button>
          <a class="button" href={settings.path}>
            {t('delete.keep')}
          </a>
        </div>
      </form>
    </section>,
  );
}

/** What is gone with the webhook, in sentences. */
async function lossesOf(c: PageContext): Promise<string[]> {
  const webhook = webhookOf(c);
  const asked = c.get('visit').call(getStatistics, { params: { webhookId: webhook.id }, query: { period: '30d' } });
  const statistics = await unlessUnreachable(asked);
  const always = t('delete.settings');
  if (!statistics) return [t('delete.waitingUnknown'), t('delete.logUnknown'), always];
  const { waiting, totals } = statistics;
  const recorded = totals.delivered + totals.failed + totals.discarded;
  return [t('delete.waiting', { count: waiting }), t('delete.log', { count: recorded }), always];
}
