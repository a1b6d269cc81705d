import type { ApiError, Issue } from '../../api/errors.ts';
import { rotateWebhookSecret } from '../../api/webhooks/webhook-secrets.ts';
import { openSecret } from '../../db/secret-box.ts';
import { trimmedSecret } from '../../domain/webhook/webhook-secret.ts';
import { withHeadersOf } from '../frame/error-page.tsx';
import { type Flash, setFlash } from '../frame/flash.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { Field } from '../parts/field.tsx';
import { readForm, textOf } from '../parts/form.ts';
import { heldForm, RESTORED } from '../parts/held-form.ts';
import { SecretStrength, warningWords } from '../webhook/secret-fields.tsx';
import { done } from '../webhook/webhook-actions.ts';
import { refusedOf } from '../webhook/webhook-input.ts';
import { webhookCrumb, webhookOf } from '../webhook/webhook-page.tsx';
import { errorText } from '../words/error-words.ts';
import { t } from '../words/words.tsx';

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/** How long the old secret can keep working, in seconds. */
const OVERLAPS = [HOUR_SECONDS, DAY_SECONDS, 3 * DAY_SECONDS, 7 * DAY_SECONDS, 0];
const USUAL_OVERLAP = DAY_SECONDS;

/** “24 hours”, “3 days” */
function overlapWords(seconds: number): string {
  if (seconds === 0) return t('rotate.now');
  return seconds <= DAY_SECONDS ? t('rotate.hours', { count: seconds / HOUR_SECONDS }) : t('rotate.days', { count: seconds / DAY_SECONDS });
}

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
  const said = isSame ? t('rotate.unchanged') : overlaps ? t('rotate.overlapping') : t('rotate.replaced');
  return done([said, ...warningWords(answer)].join(' '), answer.secret ?? undefined);
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
  const title = webhook.secret === null ? t('settings.setSecret') : t('settings.rotate');
  const settings = { name: t('webhook.tab.settings'), path: paths.webhook(webhook.id, 'settings') };
  const issues = error?.code === 'validation_failed' ? (error.details.issues as Issue[]) : [];
  const problems = new Map(issues.map(({ field, message }) => [field, message]));
  const said: Flash | undefined = error && problems.size === 0 ? { kind: 'failed', message: errorText(error) } : flash;
  const answer = await page(
    c,
    { title, crumbs: [rootCrumb, webhookCrumb(webhook), settings], status: error?.status, flash: said },
    <>
      <div class="page-head">
        <div>
          <h1>{title}</h1>
          <p class="lead">{webhook.secret === null ? t('rotate.setLead') : t('rotate.lead')}</p>
        </div>
      </div>
      <form method="post" action={paths.webhook(webhook.id, 'secret/rotate')} class="card form" novalidate>
        <Field name="secret" label={t('rotate.secret')} problem={problems.get('secret')} hint={t('rotate.secretHint')}>
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
        <SecretStrength />
        {webhook.secret !== null && <Overlap typed={typed} problem={problems.get('overlapSeconds')} />}
        <div class="actions">
          <button type="submit" class="primary" data-busy={t('button.saving')}>
            {webhook.secret === null ? t('rotate.setSubmit') : t('rotate.submit')}
          </button>
          <a class="button" href={settings.path}>
            {t('button.cancel')}
          </a>
        </div>
      </form>
    </>,
  );
  return error ? withHeadersOf(error, answer) : answer;
}

/** How long the old secret keeps working, and what it costs if it does not. */
function Overlap({ typed, problem }: { typed: URLSearchParams; problem: string | undefined }) {
  const chosen = OVERLAPS.find((seconds) => String(seconds) === typed.get('overlapSeconds')) ?? USUAL_OVERLAP;
  return (
    <div class="overlap-choice">
      <Field name="overlapSeconds" label={t('rotate.overlap')} problem={problem} hint={t('rotate.overlapHint')}>
        {(attributes) => (
          <select {...attributes}>
            {OVERLAPS.map((seconds) => (
              <option value={String(seconds)} selected={seconds === chosen}>
                {overlapWords(seconds)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <p class="banner warn cost">{t('rotate.cost')}</p>
    </div>
  );
}
