import { chooseAlerts, getAlerts, MAX_ALERT_ADDRESSES, tryAlerts } from '../../api/account/alerts.ts';
import { ApiError, type Issue } from '../../api/errors.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { NOTICES, type NoticeName } from '../../domain/event/operational-event.ts';
import { nameOf, subscribes } from '../../domain/webhook/webhook.ts';
import { formatWords } from '../choices/format.tsx';
import { withHeadersOf } from '../frame/error-page.tsx';
import { type Flash, setFlash } from '../frame/flash.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { Badge } from '../parts/condition.tsx';
import { Field } from '../parts/field.tsx';
import { readForm } from '../parts/form.ts';
import { heldForm, RESTORED } from '../parts/held-form.ts';
import { refusedOf } from '../webhook/webhook-input.ts';
import { errorText } from '../words/error-words.ts';
import { list } from '../words/formats.ts';
import { t } from '../words/words.tsx';

/** What each notice tells of, for a person. */
const NOTICE_WORDS = {
  'webhook.failing': 'failing',
  'webhook.disable_warning': 'disableWarning',
  'webhook.disabled': 'disabled',
  'webhook.recovered': 'recovered',
} as const satisfies Record<NoticeName, string>;

type Chosen = Awaited<ReturnType<typeof readChosen>>;

/** What is typed into the form. */
interface Typed {
  /** One address a line. */
  emails: string;
  events: readonly string[];
}

interface Shown {
  /** Without addresses (held-form.ts): those that are saved stand in the form, and are not deleted with it. */
  typed?: Partial<Typed>;
  problem?: string;
  status?: ApiError['status'] | 200;
  flash?: Flash;
}

async function readChosen(c: PageContext) {
  return await c.get('visit').call(getAlerts);
}

/** `GET alerts`: who is told of what happens to webhooks. */
export async function showAlerts(c: PageContext): Promise<Response> {
  return await alertsPage(c, {});
}

/** `POST alerts`: chooses who is told by e-mail. */
export async function submitAlerts(c: PageContext): Promise<Response> {
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await alertsPage(c, { typed: { events: held.getAll('events') }, flash: RESTORED });
  const typed = typedIn(form);
  try {
    const { emails } = await c.get('visit').call(chooseAlerts, { body: { emails: addressesIn(typed), events: noticesIn(typed) } });
    const waiting = emails.filter(({ confirmed }) => !confirmed).length;
    await setFlash(c, { kind: 'done', message: waiting === 0 ? t('alerts.saved') : t('alerts.savedUnconfirmed', { count: waiting }) });
    return c.redirect(paths.alerts, 303);
  } catch (error) {
    const refused = refusedOf(c, error);
    return withHeadersOf(refused, await alertsPage(c, { typed, problem: problemOf(refused, typed), status: refused.status }));
  }
}

/** `POST alerts/trial`. */
export async function sendTrial(c: PageContext): Promise<Response> {
  try {
    const { sent, failed } = await c.get('visit').call(tryAlerts);
    const message = t('alerts.trialSent', { count: sent });
    const flash: Flash =
      failed === 0 ? { kind: 'done', message } : { kind: 'failed', message: `${message} ${t('alerts.trialFailed', { count: failed })}` };
    await setFlash(c, flash);
  } catch (error) {
    if (!(error instanceof ApiError) || !['rate_limited', 'email_not_available'].includes(error.code)) throw error;
    await setFlash(c, { kind: 'failed', message: errorText(error) });
  }
  return c.redirect(paths.alerts, 303);
}

async function alertsPage(c: PageContext, { typed, problem, status = 200, flash }: Shown): Promise<Response> {
  const visit = c.get('visit');
  const chosen = await readChosen(c);
  const values = { emails: chosen.emails.map(({ address }) => address).join('\n'), events: chosen.events, ...typed };
  return await page(
    c,
    { title: t('alerts.title'), crumbs: [rootCrumb], status, flash },
    <>
      <div class="page-head">
        <div>
          <h1>{t('alerts.title')}</h1>
          <p class="lead">{t('alerts.lead')}</p>
        </div>
      </div>
      <ByMail chosen={chosen} values={values} problem={problem} />
      <ByWebhook visit={visit} />
    </>,
  );
}

function ByMail({ chosen, values, problem }: { chosen: Chosen; values: Typed; problem?: string }) {
  if (!chosen.available) {
    return (
      <section class="card notice" aria-labelledby="by-mail">
        <h2 id="by-mail">{t('alerts.byMail')}</h2>
        <p>{t('alerts.unavailable')}</p>
      </section>
    );
  }
  return (
    <>
      <section class="card setting" aria-labelledby="by-mail">
        <div>
          <h2 id="by-mail">{t('alerts.byMail')}</h2>
          <p>{t('alerts.byMailHint')}</p>
        </div>
        <Addresses chosen={chosen} />
      </section>
      <form method="post" action={paths.alerts} class="card form" novalidate>
        <Field
          name="emails"
          label={t('alerts.addresses')}
          problem={problem}
          hint={t('alerts.addressesHint', { count: MAX_ALERT_ADDRESSES })}
        >
          {(attributes) => (
            <textarea {...attributes} rows={4} autocomplete="off" spellcheck={false}>
              {values.emails}
            </textarea>
          )}
        </Field>
        <fieldset>
          <legend>{t('alerts.toldWhen')}</legend>
          {NOTICES.map((name) => (
            <NoticeOption name={name} chosen={values.events.includes(name)} />
          ))}
        </fieldset>
        <div class="actions">
          <button type="submit" class="primary" data-busy={t('alerts.saving')}>
            {t('alerts.save')}
          </button>
        </div>
      </form>
    </>
  );
}

function Addresses({ chosen: { emails } }: { chosen: Chosen }) {
  if (emails.length === 0) return <p class="hint">{t('alerts.nobody')}</p>;
  return (
    <div>
      <ul class="addresses">
        {emails.map(({ address, confirmed }) => (
          <li>
            <span>{address}</span>
            {confirmed ? (
              <Badge word={t('alerts.confirmed')} icon="check" tone="good" />
            ) : (
              <Badge word={t('alerts.unconfirmed')} icon="clock" tone="idle" />
            )}
          </li>
        ))}
      </ul>
      {emails.some(({ confirmed }) => confirmed) && (
        <form method="post" action={paths.alertsTrial}>
          <button type="submit" data-busy={t('alerts.sending')}>
            {t('alerts.sendTrial')}
          </button>
        </form>
      )}
    </div>
  );
}

function NoticeOption({ name, chosen }: { name: NoticeName; chosen: boolean }) {
  const word = NOTICE_WORDS[name];
  return (
    <div class="option">
      <input type="checkbox" name="events" value={name} id={name} checked={chosen} aria-describedby={`${name}-hint`} />
      <div>
        <label for={name}>{t(`alerts.notice.${word}`)}</label>
        <p class="hint" id={`${name}-hint`}>
          {t(`alerts.notice.${word}Hint`)}
        </p>
      </div>
    </div>
  );
}

/** The webhooks that get the notices of the others, and the offer to add one. */
function ByWebhook({ visit }: { visit: Visit }) {
  const told = visit.webhooks.filter((webhook) => noticesOf(webhook).length > 0);
  return (
    <section class="card setting" aria-labelledby="by-webhook">
      <div>
        <h2 id="by-webhook">{t('alerts.byWebhook')}</h2>
        <p>{t('alerts.byWebhookHint')}</p>
      </div>
      <div>
        {told.length === 0 ? (
          <p class="hint">{t('alerts.noWebhook')}</p>
        ) : (
          <ul class="addresses">
            {told.map((webhook) => (
              <li>
                <a href={paths.webhook(webhook.id)}>{nameOf(webhook)}</a>
                <span class="hint">{wordsOf(webhook)}</span>
              </li>
            ))}
          </ul>
        )}
        <a class="button" href={`${paths.create}?for=notices`}>
          {t('alerts.addWebhook')}
        </a>
      </div>
    </section>
  );
}

function noticesOf({ events }: WebhookRow): NoticeName[] {
  return NOTICES.filter((name) => subscribes(events, name));
}

/** “all of them, as Slack message” */
function wordsOf(webhook: WebhookRow): string {
  const notices = noticesOf(webhook);
  const which = notices.length === NOTICES.length ? t('alerts.allNotices') : list(notices);
  const format = webhook.format === 'event' ? t('alerts.asJson') : formatWords(webhook.format);
  return webhook.enabled ? t('alerts.toldAs', { which, format }) : t('alerts.toldAsPaused', { which, format });
}

function typedIn(form: URLSearchParams): Typed {
  return { emails: form.get('emails') ?? '', events: form.getAll('events') };
}

function addressesIn({ emails }: Typed): string[] {
  return emails
    .split(/[\s,;]+/)
    .map((address) => address.trim())
    .filter((address) => address !== '');
}

/** What no box stands for is not chosen. */
function noticesIn({ events }: Typed): NoticeName[] {
  return NOTICES.filter((name) => events.includes(name));
}

/** What is wrong, with the address that it is about: the form has no numbers. */
function problemOf(error: ApiError, typed: Typed): string {
  if (error.code !== 'validation_failed') return errorText(error);
  const [issue] = error.details.issues as Issue[];
  const index = /^emails\[(\d+)\]$/.exec(issue?.field ?? '')?.[1];
  if (index === undefined) return t('alerts.tooMany', { count: MAX_ALERT_ADDRESSES });
  const address = addressesIn(typed)[Number(index)] ?? '';
  return issue?.message.includes('already') ? t('alerts.twice', { address }) : t('alerts.noAddress', { address });
}
