import { chooseAlerts, getAlerts, MAX_ALERT_ADDRESSES, tryAlerts } from '../../api/alerts.ts';
import { ApiError, type Issue } from '../../api/errors.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { NOTICES, type NoticeName } from '../../domain/operational-event.ts';
import { nameOf, subscribes } from '../../domain/webhook.ts';
import { formatWords } from '../choices/format.tsx';
import { Badge } from '../condition.tsx';
import { withHeadersOf } from '../error-page.tsx';
import { Field } from '../field.tsx';
import { type Flash, setFlash } from '../flash.ts';
import { readForm } from '../form.ts';
import { heldForm, RESTORED } from '../held-form.ts';
import { page, rootCrumb } from '../page.tsx';
import { paths } from '../paths.ts';
import type { PageContext, Visit } from '../visit.ts';
import { refusedOf } from '../webhook-input.ts';
import { counted } from '../wording.ts';

/** What each notice tells of, for a person. */
const NOTICE_WORDS: Readonly<Record<NoticeName, readonly [title: string, hint: string]>> = {
  'webhook.failing': ['A webhook fails', 'A delivery has failed for good, though the endpoint had worked before.'],
  'webhook.disable_warning': ['A webhook will be disabled', 'Half of the time has gone by with nothing but failures.'],
  'webhook.disabled': ['A webhook was disabled', 'Nothing but failures for too long, or its endpoint answered 410.'],
  'webhook.recovered': ['A webhook works again', 'The first delivery has arrived since you were told that it fails.'],
};

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
    const further =
      waiting === 0 ? '' : ` ${counted(waiting, 'address has', 'addresses have')} still to confirm: the link is in a mail to it.`;
    await setFlash(c, { kind: 'done', message: `Saved.${further}` });
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
    const message = `The trial is on its way to ${counted(sent, 'address', 'addresses')}.`;
    const flash: Flash =
      failed === 0 ? { kind: 'done', message } : { kind: 'failed', message: `${message} It could not be sent to ${failed}.` };
    await setFlash(c, flash);
  } catch (error) {
    if (!(error instanceof ApiError) || !['rate_limited', 'email_not_available'].includes(error.code)) throw error;
    await setFlash(c, { kind: 'failed', message: error.message });
  }
  return c.redirect(paths.alerts, 303);
}

async function alertsPage(c: PageContext, { typed, problem, status = 200, flash }: Shown): Promise<Response> {
  const visit = c.get('visit');
  const chosen = await readChosen(c);
  const values = { emails: chosen.emails.map(({ address }) => address).join('\n'), events: chosen.events, ...typed };
  return await page(
    c,
    { title: 'Alerts', crumbs: [rootCrumb], status, flash },
    <>
      <div class="page-head">
        <div>
          <h1>Alerts</h1>
          <p class="lead">Who is told when a webhook fails, is about to be disabled, was disabled, or works again.</p>
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
        <h2 id="by-mail">By e-mail</h2>
        <p>This service is not set up to send e-mail. A webhook can tell the same to a chat, or to your own code: see below.</p>
      </section>
    );
  }
  return (
    <>
      <section class="card setting" aria-labelledby="by-mail">
        <div>
          <h2 id="by-mail">By e-mail</h2>
          <p>Of one webhook at most one mail an hour. What happens meanwhile is in the next one. Each mail has a link that ends them.</p>
        </div>
        <Addresses chosen={chosen} />
      </section>
      <form method="post" action={paths.alerts} class="card form" novalidate>
        <Field
          name="emails"
          label="Addresses"
          problem={problem}
          hint={`One a line, ${MAX_ALERT_ADDRESSES} at most. A new one is asked by e-mail to confirm, and gets nothing else until it has.`}
        >
          {(attributes) => (
            <textarea {...attributes} rows={4} autocomplete="off" spellcheck={false}>
              {values.emails}
            </textarea>
          )}
        </Field>
        <fieldset>
          <legend>They are told when</legend>
          {NOTICES.map((name) => (
            <NoticeOption name={name} chosen={values.events.includes(name)} />
          ))}
        </fieldset>
        <div class="actions">
          <button type="submit" class="primary" data-busy="Saving…">
            Save
          </button>
        </div>
      </form>
    </>
  );
}

function Addresses({ chosen: { emails } }: { chosen: Chosen }) {
  if (emails.length === 0) return <p class="hint">Nobody is told by e-mail yet.</p>;
  return (
    <div>
      <ul class="addresses">
        {emails.map(({ address, confirmed }) => (
          <li>
            <span>{address}</span>
            {confirmed ? <Badge word="Confirmed" icon="check" tone="good" /> : <Badge word="Not confirmed yet" icon="clock" tone="idle" />}
          </li>
        ))}
      </ul>
      {emails.some(({ confirmed }) => confirmed) && (
        <form method="post" action={paths.alertsTrial}>
          <button type="submit" data-busy="Sending…">
            Send a trial
          </button>
        </form>
      )}
    </div>
  );
}

function NoticeOption({ name, chosen }: { name: NoticeName; chosen: boolean }) {
  const [title, hint] = NOTICE_WORDS[name];
  return (
    <div class="option">
      <input type="checkbox" name="events" value={name} id={name} checked={chosen} aria-describedby={`${name}-hint`} />
      <div>
        <label for={name}>{title}</label>
        <p class="hint" id={`${name}-hint`}>
          {hint}
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
        <h2 id="by-webhook">By webhook</h2>
        <p>
          A webhook brings the same into Slack, Microsoft Teams or Discord, or to your own code. It is told of the others, never of itself.
        </p>
      </div>
      <div>
        {told.length === 0 ? (
          <p class="hint">No webhook is told of the others yet.</p>
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
          Add a webhook for alerts
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
  const which = notices.length === NOTICES.length ? 'all of them' : notices.join(', ');
  return `${which}, ${webhook.format === 'event' ? 'as JSON' : formatWords(webhook.format)}${webhook.enabled ? '' : ' (paused)'}`;
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
function problemOf({ code, message, details }: ApiError, typed: Typed): string {
  if (code !== 'validation_failed') return message;
  const [issue] = details.issues as Issue[];
  const index = /^emails\[(\d+)\]$/.exec(issue?.field ?? '')?.[1];
  if (index === undefined) return `At most ${MAX_ALERT_ADDRESSES} addresses.`;
  const address = addressesIn(typed)[Number(index)];
  return issue?.message.includes('already') ? `${address} is there twice.` : `${address} is not an e-mail address.`;
}
