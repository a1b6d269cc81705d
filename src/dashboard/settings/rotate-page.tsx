import type { ApiError, Issue } from '../../api/errors.ts';
import { rotateWebhookSecret } from '../../api/webhook-secrets.ts';
import { openSecret } from '../../db/secret-box.ts';
import { trimmedSecret } from '../../domain/webhook-secret.ts';
import { withHeadersOf } from '../error-page.tsx';
import { Field } from '../field.tsx';
import { type Flash, setFlash } from '../flash.ts';
import { readForm, textOf } from '../form.ts';
import { heldForm, RESTORED } from '../held-form.ts';
import { page, rootCrumb } from '../page.tsx';
import { paths } from '../paths.ts';
import type { PageContext } from '../visit.ts';
import { done } from '../webhook-actions.ts';
import { refusedOf } from '../webhook-input.ts';
import { webhookCrumb, webhookOf } from '../webhook-page.tsx';

const HOUR_SECONDS = 3_600;

/** How long the old secret can keep working. */
const OVERLAPS = [
  [HOUR_SECONDS, '1 hour'],
  [24 * HOUR_SECONDS, '24 hours'],
  [3 * 24 * HOUR_SECONDS, '3 days'],
  [7 * 24 * HOUR_SECONDS, '7 days'],
  [0, 'No time: stop it now'],
] as const;
const USUAL_OVERLAP = 24 * HOUR_SECONDS;

const UNCHANGED = 'The webhook has this secret already: nothing has changed.';
const OVERLAPPING =
  'This is the new secret. The old one keeps working beside it: give your endpoint the new one in time. webhook-signature has a signature ' +
  'of each within 5 seconds, and X-Bullseye-Signature is made with the oldest secret until its time is over.';
const REPLACED = 'This is the new secret. Deliveries are signed with it alone within 5 seconds.';

/** `GET <webhook>/secret/rotate`. */
export async function showRotate(c: PageContext): Promise<Response> {
  return await rotatePage(c, new URLSearchParams());
}

/** `POST <webhook>/secret/rotate`: replaces the secret, and shows the new one in the settings; refused, the form stands again. */
export async function submitRotate(c: PageContext): Promise<Response> {
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await rotatePage(c, held, { flash: RESTORED });
  try {
    await setFlash(c, await rotated(c, form));
  } catch (thrown) {
    return await rotatePage(c, form, { error: refusedOf(c, thrown) });
  }
  return c.redirect(paths.webhook(webhookOf(c).id, 'settings'), 303);
}

async function rotated(c: PageContext, form: URLSearchParams): Promise<Flash> {
  const { id } = webhookOf(c);
  const { call } = c.get('visit');
  const overlap = textOf(form, 'overlapSeconds');
  const secret = trimmedSecret(form.get('secret') ?? '');
  const body = { secret: secret || undefined, overlapSeconds: overlap === undefined ? undefined : Number(overlap) };
  const before = secret === '' ? null : await presentSecret(c);
  const answer = await call(rotateWebhookSecret, { params: { webhookId: id }, body });
  const isSame = before !== null && before === answer.secret;
  const overlaps = answer.previousSecretExpiresAt !== null || answer.earlierSecretsExpireAt !== undefined;
  const said = isSame ? UNCHANGED : overlaps ? OVERLAPPING : REPLACED;
  return done([said, ...(answer.warnings ?? [])].join(' '), answer.secret ?? undefined);
}

/** The secret that a webhook has, to compare: nobody is shown it. One that does not open is another one, and no reason not to replace it. */
async function presentSecret(c: PageContext): Promise<string | null> {
  const { id, secret } = webhookOf(c);
  return secret === null ? null : await openSecret(c.get('visit').settings.masterKeys, id, secret).catch(() => null);
}

interface Shown {
  error?: ApiError;
  flash?: Flash;
}

async function rotatePage(c: PageContext, typed: URLSearchParams, { error, flash }: Shown = {}): Promise<Response> {
  const webhook = webhookOf(c);
  const title = webhook.secret === null ? 'Set a secret' : 'Rotate the secret';
  const settings = { name: 'Settings', path: paths.webhook(webhook.id, 'settings') };
  const issues = error?.code === 'validation_failed' ? (error.details.issues as Issue[]) : [];
  const problems = new Map(issues.map(({ field, message }) => [field, message]));
  const said: Flash | undefined = error && problems.size === 0 ? { kind: 'failed', message: error.message } : flash;
  const answer = await page(
    c,
    { title, crumbs: [rootCrumb, webhookCrumb(webhook), settings], status: error?.status, flash: said },
    <>
      <div class="page-head">
        <div>
          <h1>{title}</h1>
          <p class="lead">
            {webhook.secret === null
              ? 'Deliveries are signed with it, so that your endpoint can tell that they are from us.'
              : 'A new secret takes the place of the present one. Do it when somebody may have seen it, or when your rules ask for it.'}
          </p>
        </div>
      </div>
      <form method="post" action={paths.webhook(webhook.id, 'secret/rotate')} class="card form" novalidate>
        <Field name="secret" label="New secret (optional)" problem={problems.get('secret')} hint="Leave empty and we make a strong one.">
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
        {webhook.secret !== null && <Overlap typed={typed} problem={problems.get('overlapSeconds')} />}
        <div class="actions">
          <button type="submit" class="primary" data-busy="Saving…">
            {webhook.secret === null ? 'Set secret' : 'Rotate secret'}
          </button>
          <a class="button" href={settings.path}>
            Cancel
          </a>
        </div>
      </form>
    </>,
  );
  return error ? withHeadersOf(error, answer) : answer;
}

/** How long the old secret keeps working, and what it costs if it does not. */
function Overlap({ typed, problem }: { typed: URLSearchParams; problem: string | undefined }) {
  const chosen = OVERLAPS.find(([seconds]) => String(seconds) === typed.get('overlapSeconds'))?.[0] ?? USUAL_OVERLAP;
  const hint =
    'Time to give your endpoint the new secret. Until then both work: webhook-signature has a signature of each, and X-Bullseye-Signature ' +
    'is made with the old one.';
  return (
    <div class="overlap-choice">
      <Field name="overlapSeconds" label="Keep the old secret working for" problem={problem} hint={hint}>
        {(attributes) => (
          <select {...attributes}>
            {OVERLAPS.map(([seconds, name]) => (
              <option value={String(seconds)} selected={seconds === chosen}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <p class="banner warn cost">
        If you stop it now, an endpoint that checks signatures refuses every delivery until it has the new secret. Each is retried as usual,
        and fails if that takes longer than its retries.
      </p>
    </div>
  );
}
