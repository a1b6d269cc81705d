import type { ApiError } from '../api/errors.ts';
import type { WebhookRow } from '../db/webhooks.ts';
import { formerOf, secretsOf } from '../domain/secret-rotation.ts';
import { Banners } from './attention/banners.tsx';
import { outlookOf } from './attention/outlook.ts';
import { Copyable } from './copyable.tsx';
import { Field, type Problems } from './field.tsx';
import type { Flash } from './flash.ts';
import { paths } from './paths.ts';
import { planAllows } from './plan-notice.tsx';
import { Time } from './time.tsx';
import type { PageContext, Visit } from './visit.ts';
import { webhookOf, webhookPage } from './webhook-page.tsx';
import { span } from './wording.ts';

const HOUR_SECONDS = 3_600;

/** How long the secret before can go on signing. */
const OVERLAPS = [
  [0, 'Not at all: the old one ends now'],
  [HOUR_SECONDS, '1 hour'],
  [24 * HOUR_SECONDS, '24 hours'],
  [3 * 24 * HOUR_SECONDS, '3 days'],
  [7 * 24 * HOUR_SECONDS, '7 days'],
] as const;
const USUAL_OVERLAP = 24 * HOUR_SECONDS;

/** From when on a recovery can be asked for without typing a time; in milliseconds. */
export const RECOVERY_SPANS = {
  '1h': ['The last hour', HOUR_SECONDS * 1_000],
  '24h': ['The last 24 hours', 24 * HOUR_SECONDS * 1_000],
  '3d': ['The last 3 days', 3 * 24 * HOUR_SECONDS * 1_000],
  '7d': ['The last 7 days', 7 * 24 * HOUR_SECONDS * 1_000],
  '30d': ['The last 30 days', 30 * 24 * HOUR_SECONDS * 1_000],
} as const;

/** The span that the form of a recovery chose, or the one that it offers. */
export function spanOf(form: URLSearchParams): keyof typeof RECOVERY_SPANS {
  const spans = Object.keys(RECOVERY_SPANS) as (keyof typeof RECOVERY_SPANS)[];
  return spans.find((span) => span === form.get('span')) ?? '24h';
}

/** `GET <webhook>/settings`. */
export async function showSettings(c: PageContext): Promise<Response> {
  return await settingsPage(c, {});
}

/** What the settings show beyond themselves. */
interface ShownSettings {
  /** What is wrong with a form of theirs, what was typed into it, and the status of its refusal. */
  problems?: Problems;
  typed?: URLSearchParams;
  status?: ApiError['status'] | 200;
  flash?: Flash;
  /** The webhook's own headers with their values, where an admin has asked for them. */
  headers?: Record<string, string>;
}

export async function settingsPage(c: PageContext, shown: ShownSettings): Promise<Response> {
  const { problems = new Map(), typed = new URLSearchParams(), status = 200, flash, headers } = shown;
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const outlook = await outlookOf(c, webhook);
  return await webhookPage(
    c,
    { webhook, tab: 'settings', title: 'Settings', status, outlook, flash },
    <>
      <Banners webhook={webhook} visit={visit} outlook={outlook} />
      {!visit.can('write') && <p class="banner info">Your session can read only: it sees the settings, and cannot change them.</p>}
      <SecretSection webhook={webhook} visit={visit} problems={problems} typed={typed} />
      {webhook.headerNames !== null && <HeadersSection webhook={webhook} visit={visit} headers={headers} />}
      {visit.can('write') && (
        <>
          <PauseSection webhook={webhook} visit={visit} />
          <RecoverSection webhook={webhook} visit={visit} problems={problems} typed={typed} />
          <DeleteSection webhook={webhook} />
        </>
      )}
    </>,
  );
}

interface SectionProps {
  webhook: WebhookRow;
  visit: Visit;
  problems: Problems;
  /** The fields of a form that was refused; empty where none was. */
  typed: URLSearchParams;
}

function SecretSection({ webhook, visit, problems, typed }: SectionProps) {
  const hasSecret = webhook.secret !== null;
  return (
    <section class="card setting" aria-labelledby="secret-title" id="secret-section">
      <div>
        <h2 id="secret-title">Signing secret</h2>
        <p>{hasSecret ? 'Deliveries are signed with it.' : 'There is none: deliveries are not signed.'}</p>
      </div>
      {visit.can('admin') ? (
        <div>
          <Overlaps webhook={webhook} nowMs={visit.nowMs} />
          {hasSecret && (
            <form method="post" action={paths.webhook(webhook.id, 'secret/reveal')}>
              <button type="submit">Reveal the secret</button>
            </form>
          )}
          <RotateForm webhook={webhook} problems={problems} typed={typed} />
        </div>
      ) : (
        <p class="hint">Only a session with the scope admin reveals and rotates secrets.</p>
      )}
    </section>
  );
}

/** While overlaps run: until when each does, and the way to end them. */
function Overlaps({ webhook, nowMs }: { webhook: WebhookRow; nowMs: number }) {
  const former = formerOf(secretsOf(webhook, nowMs));
  if (former.length === 0) return null;
  const before = former.length === 1 ? 'The secret before' : 'A former secret';
  return (
    <div class="overlap" id="overlap" data-live="">
      <div>
        {former.toReversed().map(({ endsAt }) => (
          <p>
            {before} signs, too, for another <strong>{span((endsAt ?? 0) - nowMs)}</strong>, until{' '}
            <Time at={new Date(endsAt ?? 0).toISOString()} />.
          </p>
        ))}
      </div>
      <form method="post" action={paths.webhook(webhook.id, 'secret/end-overlap')}>
        <button type="submit">{former.length === 1 ? 'End it now' : 'End them now'}</button>
      </form>
    </div>
  );
}

function RotateForm({ webhook, problems, typed }: Omit<SectionProps, 'visit'>) {
  const overlap = OVERLAPS.find(([seconds]) => String(seconds) === typed.get('overlapSeconds'))?.[0] ?? USUAL_OVERLAP;
  return (
    <form method="post" action={paths.webhook(webhook.id, 'secret/rotate')} class="form" novalidate>
      <h3>{webhook.secret === null ? 'Set a secret' : 'Rotate the secret'}</h3>
      <Field
        name="secret"
        label="New secret (optional)"
        problem={problems.get('secret')}
        hint="Empty: a strong one is made and shown to you."
      >
        {(attributes) => (
          <input
            {...attributes}
            type="text"
            value={typed.get('secret') ?? undefined}
            maxlength={256}
            autocomplete="off"
            spellcheck={false}
            data-strength="secret-strength"
          />
        )}
      </Field>
      <p class="strength" id="secret-strength" aria-live="polite" hidden />
      {webhook.secret !== null && (
        <Field
          name="overlapSeconds"
          label="The old secret signs beside it for"
          problem={problems.get('overlapSeconds')}
          hint="Time to change your receiver. Until then webhook-signature carries all of them, and X-Bullseye-Signature is made with the oldest."
        >
          {(attributes) => (
            <select {...attributes}>
              {OVERLAPS.map(([seconds, name]) => (
                <option value={String(seconds)} selected={seconds === overlap}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <button type="submit">{webhook.secret === null ? 'Set secret' : 'Rotate secret'}</button>
    </form>
  );
}

/** The webhook's own headers: their names, and their values for an admin who asks for them. */
function HeadersSection({ webhook, visit, headers }: { webhook: WebhookRow; visit: Visit; headers: ShownSettings['headers'] }) {
  return (
    <section class="card setting" aria-labelledby="headers-title">
      <div>
        <h2 id="headers-title">Headers of your own</h2>
        <p>Each request has {webhook.headerNames?.join(', ')}.</p>
      </div>
      {headers && (
        <dl class="header-list">
          {Object.entries(headers).map(([name, value]) => (
            <div>
              <dt>{name}</dt>
              <dd>
                <Copyable text={value} label={name} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {!headers && visit.can('admin') && (
        <form method="post" action={paths.webhook(webhook.id, 'headers/reveal')}>
          <button type="submit">Reveal the values</button>
        </form>
      )}
      {!visit.can('admin') && <p class="hint">Only a session with the scope admin reveals their values.</p>}
    </section>
  );
}

function PauseSection({ webhook, visit }: { webhook: WebhookRow; visit: Visit }) {
  return (
    <section class="card setting" aria-labelledby="pause-title">
      <div>
        <h2 id="pause-title">{webhook.enabled ? 'Pause' : 'Resume'}</h2>
        <p>
          {webhook.enabled
            ? 'Nothing is sent while it is paused. Events that come meanwhile are recorded as discarded, and can be recovered later.'
            : 'Resume to send events again. You can recover missed events below.'}
        </p>
      </div>
      {webhook.enabled ? (
        <form method="post" action={paths.webhook(webhook.id, 'pause')}>
          <button type="submit">Pause</button>
        </form>
      ) : planAllows(visit) ? (
        <form method="post" action={paths.webhook(webhook.id, 'resume')}>
          <button type="submit" class="primary">
            Resume
          </button>
        </form>
      ) : (
        <p class="hint">Your plan does not include webhooks.</p>
      )}
    </section>
  );
}

function RecoverSection({ webhook, visit, problems, typed }: SectionProps) {
  const chosen = spanOf(typed);
  return (
    <section class="card setting" aria-labelledby="recover-title">
      <div>
        <h2 id="recover-title">Recover</h2>
        <p>
          Deliveries that failed or were discarded start over, with all their retries, a few at a time. Nothing that was delivered is sent
          again.
        </p>
      </div>
      {webhook.enabled && planAllows(visit) ? (
        <form method="post" action={paths.webhook(webhook.id, 'recover')} class="form" novalidate>
          <Field name="span" label="Of events accepted in">
            {(attributes) => (
              <select {...attributes}>
                {Object.entries(RECOVERY_SPANS).map(([value, [name]]) => (
                  <option value={value} selected={value === chosen}>
                    {name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field
            name="since"
            label="Or since (UTC)"
            problem={problems.get('since')}
            hint="Where you know when it began. It wins over the choice above."
          >
            {(attributes) => <input {...attributes} type="datetime-local" value={typed.get('since') ?? undefined} />}
          </Field>
          <button type="submit" data-busy="Asking…">
            Recover deliveries
          </button>
        </form>
      ) : (
        <p class="hint">{planAllows(visit) ? 'Resume the webhook first.' : 'Your plan does not include webhooks.'}</p>
      )}
    </section>
  );
}

function DeleteSection({ webhook }: { webhook: WebhookRow }) {
  return (
    <section class="card setting danger" aria-labelledby="delete-title">
      <div>
        <h2 id="delete-title">Delete</h2>
        <p>Nothing is sent to it any more, and its deliveries are erased with it.</p>
      </div>
      <a class="button danger" href={paths.webhook(webhook.id, 'delete')}>
        Delete webhook
      </a>
    </section>
  );
}
