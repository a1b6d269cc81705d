import { erasePerson, listErasures } from '../../api/account/erasures.ts';
import type { ApiError, Issue } from '../../api/errors.ts';
import { nameOf } from '../../domain/webhook/webhook.ts';
import { setFlash } from '../frame/flash.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { Field, type Problems } from '../parts/field.tsx';
import { readForm, textOf } from '../parts/form.ts';
import { heldForm, RESTORED } from '../parts/held-form.ts';
import { Time } from '../parts/time.tsx';
import { refusedOf } from '../webhook/webhook-input.ts';
import { errorText } from '../words/error-words.ts';
import { rich, t } from '../words/words.tsx';

/** Erasures that the page lists: the latest. */
const LISTED = 25;
const USUAL_FIELD = 'visitor.email';

type Shown = Awaited<ReturnType<typeof read>>[number];

async function read(visit: Visit) {
  return (await visit.call(listErasures, { query: { limit: String(LISTED) } })).data;
}

/** `GET /erasures`: the people who were erased, and how far that has come. */
export async function showErasures(c: PageContext): Promise<Response> {
  return await erasuresPage(c, {});
}

interface ShownForm {
  typed?: URLSearchParams;
  problems?: Problems;
  problem?: string;
  status?: ApiError['status'] | 200;
  restored?: boolean;
}

async function erasuresPage(
  c: PageContext,
  { typed = new URLSearchParams(), problems = new Map(), problem, status, restored }: ShownForm,
): Promise<Response> {
  const visit = c.get('visit');
  const erasures = await read(visit);
  return await page(
    c,
    { title: t('erasures.title'), crumbs: [rootCrumb], status, flash: restored ? RESTORED : undefined },
    <>
      <div class="page-head">
        <div>
          <h1>{t('erasures.title')}</h1>
          <p class="lead">{t('erasures.lead')}</p>
        </div>
      </div>
      {problem && (
        <p class="banner bad" role="alert">
          {problem}
        </p>
      )}
      <form method="post" action={paths.erasures} class="card form" aria-label={t('erasures.title')}>
        <Field name="value" label={t('erasures.whom')} problem={problems.get('value')} hint={t('erasures.whomHint')}>
          {(attributes) => (
            <input {...attributes} type="text" value={typed.get('value') ?? ''} maxlength={1_000} autocomplete="off" required />
          )}
        </Field>
        <Field name="field" label={t('erasures.field')} problem={problems.get('field')} hint={t('erasures.fieldHint')}>
          {(attributes) => (
            <input {...attributes} type="text" value={typed.get('field') ?? USUAL_FIELD} maxlength={256} spellcheck={false} required />
          )}
        </Field>
        <p class="hint">{t('erasures.consequences')}</p>
        <div class="actions">
          <button type="submit" class="danger">
            {t('erasures.submit')}
          </button>
        </div>
      </form>
      <section class="listed" aria-labelledby="erasures-title">
        <h2 id="erasures-title">{t('erasures.soFar')}</h2>
        <div class="card table-card" id="erasures" data-live="">
          <Erasures erasures={erasures} visit={visit} />
        </div>
      </section>
    </>,
  );
}

function Erasures({ erasures, visit }: { erasures: readonly Shown[]; visit: Visit }) {
  if (erasures.length === 0) return <p class="notice">{t('erasures.nobody')}</p>;
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col" class="w21">
            {t('erasures.askedFor')}
          </th>
          <th scope="col" class="w21">
            {t('erasures.by')}
          </th>
          <th scope="col" class="w21">
            {t('erasures.state')}
          </th>
          <th scope="col">{t('erasures.found')}</th>
        </tr>
      </thead>
      <tbody>
        {erasures.map(({ id, field, status, requestedAt, webhooks }) => (
          <tr id={id}>
            <th scope="row">
              <Time at={requestedAt} />
            </th>
            <td data-label={t('erasures.by')}>
              <code>{field}</code>
            </td>
            <td data-label={t('erasures.state')}>{status === 'done' ? t('erasures.done') : t('erasures.running')}</td>
            <td data-label={t('erasures.found')}>
              <Findings webhooks={webhooks} status={status} visit={visit} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Findings({ webhooks, status, visit }: Pick<Shown, 'webhooks' | 'status'> & { visit: Visit }) {
  if (webhooks.length === 0) return <>{status === 'done' ? t('erasures.foundNothing') : t('erasures.foundNothingYet')}</>;
  return (
    <ul class="plain-list">
      {webhooks.map(({ webhookId, deliveries, notified }) => {
        const webhook = visit.webhooks.find(({ id }) => id === webhookId);
        return (
          <li>
            {rich('erasures.foundOf', {
              count: deliveries,
              webhook: webhook ? <a href={paths.webhook(webhookId)}>{nameOf(webhook)}</a> : t('erasures.deletedWebhook'),
            })}
            {notified && <span class="hint">; {t(`erasures.told.${notified}`)}</span>}
          </li>
        );
      })}
    </ul>
  );
}

/** `POST /erasures`. Refused, the form stands again with what is wrong. */
export async function submitErasure(c: PageContext): Promise<Response> {
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await erasuresPage(c, { typed: held, restored: true });
  try {
    const body = { field: textOf(form, 'field') ?? '', value: form.get('value') ?? '' };
    await c.get('visit').call(erasePerson, { body });
  } catch (thrown) {
    const error = refusedOf(c, thrown);
    const issues = error.code === 'validation_failed' ? (error.details.issues as Issue[]) : [];
    const problems = new Map(issues.map(({ field, message }) => [field, message]));
    return await erasuresPage(c, {
      typed: form,
      problems,
      problem: issues.length === 0 ? errorText(error) : undefined,
      status: error.status,
    });
  }
  await setFlash(c, { kind: 'done', message: t('erasures.begun') });
  return c.redirect(paths.erasures, 303);
}
