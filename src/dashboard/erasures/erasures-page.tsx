import { erasePerson, listErasures } from '../../api/erasures.ts';
import type { ApiError, Issue } from '../../api/errors.ts';
import type { Notified } from '../../domain/erasure.ts';
import { nameOf } from '../../domain/webhook.ts';
import { Field, type Problems } from '../field.tsx';
import { setFlash } from '../flash.ts';
import { readForm, textOf } from '../form.ts';
import { heldForm, RESTORED } from '../held-form.ts';
import { page, rootCrumb } from '../page.tsx';
import { paths } from '../paths.ts';
import { Time } from '../time.tsx';
import type { PageContext, Visit } from '../visit.ts';
import { refusedOf } from '../webhook-input.ts';
import { counted } from '../wording.ts';

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
    { title: 'Erase a person', crumbs: [rootCrumb], status, flash: restored ? RESTORED : undefined },
    <>
      <div class="page-head">
        <div>
          <h1>Erase a person</h1>
          <p class="lead">Takes what was sent about somebody out of the logs of all webhooks, for good.</p>
        </div>
      </div>
      {problem && (
        <p class="banner bad" role="alert">
          {problem}
        </p>
      )}
      <form method="post" action={paths.erasures} class="card form" aria-label="Erase a person">
        <Field
          name="value"
          label="Whom to erase"
          problem={problems.get('value')}
          hint="As the events have it, in upper or lower case. It is not kept."
        >
          {(attributes) => (
            <input {...attributes} type="text" value={typed.get('value') ?? ''} maxlength={1_000} autocomplete="off" required />
          )}
        </Field>
        <Field
          name="field"
          label="Field"
          problem={problems.get('field')}
          hint="Where the events name them: visitor.email is their e-mail address, session_id one visit."
        >
          {(attributes) => (
            <input {...attributes} type="text" value={typed.get('field') ?? USUAL_FIELD} maxlength={256} spellcheck={false} required />
          )}
        </Field>
        <p class="hint">
          Their deliveries stay in the log without what they carried, and without what endpoints answered. What waits is not sent any more.
          Endpoints that have received them are told, if their webhooks subscribe to visitor.erased. This cannot be undone.
        </p>
        <div class="actions">
          <button type="submit" class="danger">
            Erase
          </button>
        </div>
      </form>
      <section class="listed" aria-labelledby="erasures-title">
        <h2 id="erasures-title">Erased so far</h2>
        <div class="card table-card" id="erasures" data-live="">
          <Erasures erasures={erasures} visit={visit} />
        </div>
      </section>
    </>,
  );
}

function Erasures({ erasures, visit }: { erasures: readonly Shown[]; visit: Visit }) {
  if (erasures.length === 0) return <p class="notice">Nobody.</p>;
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col" class="w21">
            Asked for
          </th>
          <th scope="col" class="w21">
            By
          </th>
          <th scope="col" class="w21">
            State
          </th>
          <th scope="col">Found</th>
        </tr>
      </thead>
      <tbody>
        {erasures.map(({ id, field, status, requestedAt, webhooks }) => (
          <tr id={id}>
            <th scope="row">
              <Time at={requestedAt} />
            </th>
            <td data-label="By">
              <code>{field}</code>
            </td>
            <td data-label="State">{status === 'done' ? 'Done' : 'Going through the logs …'}</td>
            <td data-label="Found">
              <Findings webhooks={webhooks} status={status} visit={visit} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const TOLD: Record<Notified, string> = {
  not_subscribed: 'the endpoint is not told: its webhook does not subscribe to visitor.erased',
  pending: 'the endpoint is being told',
  delivered: 'the endpoint was told',
  failed: 'the endpoint could not be told',
};

function Findings({ webhooks, status, visit }: Pick<Shown, 'webhooks' | 'status'> & { visit: Visit }) {
  if (webhooks.length === 0) return <>{status === 'done' ? 'Nothing of them' : 'Nothing yet'}</>;
  return (
    <ul class="plain-list">
      {webhooks.map(({ webhookId, deliveries, notified }) => {
        const webhook = visit.webhooks.find(({ id }) => id === webhookId);
        return (
          <li>
            {counted(deliveries, 'delivery', 'deliveries')} of{' '}
            {webhook ? <a href={paths.webhook(webhookId)}>{nameOf(webhook)}</a> : 'a webhook that is deleted'}
            {notified && <span class="hint">; {TOLD[notified]}</span>}
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
    return await erasuresPage(c, { typed: form, problems, problem: issues.length === 0 ? error.message : undefined, status: error.status });
  }
  await setFlash(c, { kind: 'done', message: 'The person is being erased. How far that has come is shown below.' });
  return c.redirect(paths.erasures, 303);
}
