import { listEventTypes } from '../../api/events/event-types.ts';
import { updateWebhook } from '../../api/webhooks/webhooks.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { Banners } from '../attention/banners.tsx';
import { outlookOf } from '../attention/outlook.ts';
import { withHeadersOf } from '../frame/error-page.tsx';
import { setFlash } from '../frame/flash.ts';
import { LIVE_HEADER } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { readForm } from '../parts/form.ts';
import { heldForm, RESTORED } from '../parts/held-form.ts';
import { warningWords } from '../webhook/secret-fields.tsx';
import { formProps, type ShownForm, submitted, unusedSecret } from '../webhook/webhook-editor.tsx';
import { WebhookForm } from '../webhook/webhook-form.tsx';
import {
  askAboutUrl,
  changesIn,
  refusalOf,
  sharedInput,
  valuesOfForm,
  valuesOfWebhook,
  type WebhookFormValues,
} from '../webhook/webhook-input.ts';
import { webhookOf, webhookPage } from '../webhook/webhook-page.tsx';
import { t } from '../words/words.tsx';
import { fieldsSeen } from './fields-seen.ts';
import { SettingsFacts } from './settings-facts.tsx';
import { SideCards } from './side-cards.tsx';

/** What the settings show beside the webhook as it is. */
interface ShownSettings extends ShownForm {
  /** What was typed; absent: the form shows the webhook as it is. */
  values?: WebhookFormValues;
  /** The webhook's own headers with their values, where an admin has asked for them. */
  headers?: Record<string, string>;
}

/** `GET <webhook>/settings`: the one place where a webhook is changed. */
export async function showSettings(c: PageContext): Promise<Response> {
  return await settingsPage(c, {});
}

/** `GET <webhook>/edit`: a refused form stands at the address that it was posted to, and who opens that again is led to the settings. */
export function toSettings(c: PageContext): Response {
  return c.redirect(paths.webhook(webhookOf(c).id, 'settings'), 303);
}

/** `POST <webhook>/edit`: saves the form, or shows it again with what is wrong. */
export async function submitEdit(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await settingsPage(c, { values: valuesOfForm(held), flash: RESTORED });
  const { values, kinds, pressed, problems } = await submitted(c, form);
  if (pressed) return await settingsPage(c, { values, pressed, problems });
  try {
    if (values.url.trim() !== webhook.url) askAboutUrl(values);
    const body = { ...changesIn(sharedInput(values, kinds, webhook), webhook), ...secretInput(values) };
    const changed = await c.get('visit').call(updateWebhook, { params: { webhookId: webhook.id }, body });
    const said = [t('settings.saved'), ...unusedSecret(values), ...lostHeaders(values, webhook, changed), ...warningWords(changed)];
    await setFlash(c, { kind: 'done', message: said.join(' ') });
    return c.redirect(paths.webhook(webhook.id, 'settings'), 303);
  } catch (error) {
    return await settingsPage(c, { values, refusal: refusalOf(c, error, values, kinds) });
  }
}

/** An empty secret is refused beside its field; a null removes the one there is. */
function secretInput({ secretChoice, secret }: WebhookFormValues): { secret?: string | null } {
  if (secretChoice === 'own') return { secret };
  return secretChoice === 'none' ? { secret: null } : {};
}

/** Headers that were to stay are gone where the URL has moved to another host: who did that is told. */
function lostHeaders({ headers }: WebhookFormValues, before: WebhookRow, after: { headerNames: string[] | null }): string[] {
  const isLost = headers.choice === 'keep' && (before.headerNames?.length ?? 0) > (after.headerNames?.length ?? 0);
  return isLost ? [t('settings.headersLost')] : [];
}

/** The settings, with what was typed where a form of theirs was refused. */
export async function settingsPage(c: PageContext, shown: ShownSettings): Promise<Response> {
  const { refusal, flash, headers } = shown;
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  // Who brings the page up to date needs what is live of it, and the form is not.
  const isLook = c.req.method === 'GET' && c.req.header(LIVE_HEADER) !== undefined;
  const [outlook, form] = await Promise.all([
    outlookOf(c, webhook),
    visit.can('write') && !isLook ? existingForm(c, webhook, shown) : null,
  ]);
  const answer = await webhookPage(
    c,
    { webhook, tab: 'settings', title: t('webhook.tab.settings'), status: refusal?.error.status, outlook, flash },
    <>
      <Banners webhook={webhook} visit={visit} outlook={outlook} />
      {!visit.can('write') && <p class="banner info">{t('settings.readOnly')}</p>}
      <div class="beside">
        {form ?? <SettingsFacts webhook={webhook} visit={visit} />}
        <aside>
          <SideCards webhook={webhook} visit={visit} headers={headers} />
        </aside>
      </div>
    </>,
  );
  return refusal ? withHeadersOf(refusal.error, answer) : answer;
}

async function existingForm(c: PageContext, webhook: WebhookRow, shown: ShownSettings) {
  const visit = c.get('visit');
  const { id, secret, filter, headerNames } = webhook;
  const existing = { id, hasSecret: secret !== null, canSetSecret: visit.can('admin'), filter, headerNames };
  const values = shown.values ?? (await valuesNow(c, webhook));
  const props = await formProps(visit, webhook, values, shown);
  return <WebhookForm action={paths.webhook(id, 'edit')} back={paths.webhook(id)} existing={existing} {...props} />;
}

async function valuesNow(c: PageContext, webhook: WebhookRow): Promise<WebhookFormValues> {
  const visit = c.get('visit');
  const [{ eventTypes }, seen] = await Promise.all([visit.callGeneral(listEventTypes), fieldsSeen(visit, webhook.id)]);
  return valuesOfWebhook(webhook, seen, eventTypes);
}
