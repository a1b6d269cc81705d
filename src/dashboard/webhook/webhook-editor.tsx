import type { Child } from 'hono/jsx';
import { ApiError } from '../../api/errors.ts';
import { listEventTypes } from '../../api/events/event-types.ts';
import { createWebhook } from '../../api/webhooks/webhooks.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { countOfEndpoints } from '../../domain/endpoint/listen-url.ts';
import { type EventType, sampledType, sampleEvent } from '../../domain/event/event-type.ts';
import { maxWebhooks } from '../../domain/quota.ts';
import { hostOf } from '../../domain/webhook/webhook.ts';
import type { Kinds } from '../choices/condition-rows.ts';
import { stepFilter } from '../choices/filter-values.ts';
import { stepHeaders } from '../choices/headers.tsx';
import { kindsOf } from '../choices/offered-fields.ts';
import { type NotTried, type Preview, type Tried, tryOut } from '../choices/preview.tsx';
import { withHeadersOf } from '../frame/error-page.tsx';
import { type Flash, setFlash } from '../frame/flash.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import type { Problems } from '../parts/field.tsx';
import { readForm } from '../parts/form.ts';
import { heldForm, RESTORED } from '../parts/held-form.ts';
import { layOutJson } from '../parts/json-layout.ts';
import { PlanNotice, planAllows } from '../parts/plan-notice.tsx';
import { Room } from '../parts/room.ts';
import { Recipes } from '../setup/recipe-list.tsx';
import { quotaOf } from '../usage/quota-notice.tsx';
import { errorText } from '../words/error-words.ts';
import { t } from '../words/words.tsx';
import { warningWords } from './secret-fields.tsx';
import { type Pressed, WebhookForm } from './webhook-form.tsx';
import {
  askAboutUrl,
  EMPTY_FORM,
  offeredFor,
  type Refusal,
  refusalOf,
  sentInput,
  sharedInput,
  valuesOfForm,
  type WebhookFormValues,
  withScheme,
} from './webhook-input.ts';

/** What a page with the form shows, beyond what was typed. */
export interface ShownForm {
  refusal?: Refusal;
  flash?: Flash;
  pressed?: Pressed;
  /** What is wrong with what a button was to do. */
  problems?: Problems;
}

/** `GET new`. */
export async function showNew(c: PageContext): Promise<Response> {
  // What the page of the alerts offers.
  const events = c.req.query('for') === 'notices' ? ['webhook.*'] : EMPTY_FORM.events;
  return await newPage(c, { ...EMPTY_FORM, events }, {});
}

/** `POST new`: creates the webhook, and leads to the steps that are left to do (setup/). */
export async function submitNew(c: PageContext): Promise<Response> {
  const form = await readForm(c);
  const held = heldForm(form);
  if (held) return await newPage(c, valuesOfForm(held), { flash: RESTORED });
  const { values, kinds, pressed, problems } = await submitted(c, form);
  if (pressed) return await newPage(c, values, { pressed, problems });
  const { secretChoice, secret } = values;
  try {
    askAboutUrl(values);
    const body = {
      ...sharedInput(values, kinds),
      generateSecret: secretChoice === 'generate',
      // An empty one is refused beside its field; a null would be none.
      ...(secretChoice === 'own' && { secret }),
    };
    const created = await c.get('visit').call(createWebhook, { body });
    const own = secretChoice === 'own' ? secret : undefined;
    const unsigned = created.hasSecret ? [] : [t('new.unsigned')];
    const message = [t('new.saved'), ...unsigned, ...unusedSecret(values), ...warningWords(created)].join(' ');
    await setFlash(c, { kind: 'done', message, secret: created.secret ?? own });
    return c.redirect(paths.webhook(created.id, 'setup'), 303);
  } catch (error) {
    return await newPage(c, values, { refusal: refusalOf(c, error, values, kinds) });
  }
}

export interface Submitted {
  values: WebhookFormValues;
  kinds: Kinds;
  /** Where a button was pressed that changes the form and saves nothing. */
  pressed?: Pressed;
  problems?: Problems;
}

/** What was typed, and what a button made of it: those that are called `step` have the form stand again, and save nothing. */
export async function submitted(c: PageContext, form: URLSearchParams): Promise<Submitted> {
  const visit = c.get('visit');
  const { eventTypes } = await visit.callGeneral(listEventTypes);
  const values = valuesOfForm(form);
  const kinds = kindsOf(offeredFor(values, eventTypes));
  const step = form.get('step');
  if (step === null) return { values, kinds };
  const filter = stepFilter(values.filter, step, kinds);
  if (filter) {
    const problems = filter.problem === undefined ? undefined : new Map([['filter', filter.problem]]);
    return { values: { ...values, filter: filter.values }, kinds, pressed: { step, focus: filter.focus }, problems };
  }
  const headers = stepHeaders(values.headers, step);
  if (headers) return { values: { ...values, headers: headers.values }, kinds, pressed: { step, focus: headers.focus } };
  const kept = values.kept.filter((name) => step !== `anew.${name}`);
  return { values: { ...values, kept }, kinds, pressed: { step, focus: step.replace('.', '-') } };
}

/** Without scripts, typing a secret does not choose it: who did that is told, or their endpoint would wait for another signature. */
export function unusedSecret({ secretChoice, secret }: WebhookFormValues): string[] {
  return secretChoice !== 'own' && secret !== '' ? [t('secret.unused')] : [];
}

async function newPage(c: PageContext, values: WebhookFormValues, shown: ShownForm): Promise<Response> {
  const visit = c.get('visit');
  const { refusal, flash, pressed } = shown;
  // Who has typed something sees it again, whatever stands in the way.
  const hindrance = refusal || flash || pressed ? null : hindranceOf(visit);
  const form = { action: paths.create, back: paths.list, existing: null };
  const content = (
    <>
      <div class="page-head">
        <h1>{t('new.title')}</h1>
      </div>
      {hindrance ?? (
        <div class="beside">
          <WebhookForm {...form} {...(await formProps(visit, null, values, shown))} />
          <aside>
            <Recipes title={t('new.whereUrl')} />
          </aside>
        </div>
      )}
    </>
  );
  const answer = await page(c, { title: t('new.title'), crumbs: [rootCrumb], status: refusal?.error.status, flash }, content);
  return refusal ? withHeadersOf(refusal.error, answer) : answer;
}

/** The longest example that stands beside a template, in bytes of the page. */
const EXAMPLE_BYTES = 20_000;

/** What new and existing webhooks' forms have in common. */
export async function formProps(
  visit: Visit,
  webhook: WebhookRow | null,
  values: WebhookFormValues,
  { refusal, pressed, problems }: ShownForm,
) {
  const eventTypes = (await visit.callGeneral(listEventTypes)).eventTypes as EventType[];
  const fields = offeredFor(values, eventTypes);
  const type = sampledType([...values.events], eventTypes);
  const example = type ? layOutJson(sampleEvent(type, visit.organization.id, visit.nowMs), EXAMPLE_BYTES) : '';
  const preview = refusal || !isToBeTried(values, webhook, pressed) ? null : await previewOf(visit, webhook, values, eventTypes);
  return {
    values,
    refusal: refusal ?? null,
    problems,
    eventTypes,
    offered: [...fields.keys()],
    example: new Room(EXAMPLE_BYTES).take(example).text,
    preview,
    pressed: pressed ?? null,
    usualRetriesMs: visit.settings.retryScheduleMs,
  };
}

/** Whether there is something to see: a button asked for it, or what is there already is shown. */
function isToBeTried({ filter, fields, format }: WebhookFormValues, webhook: WebhookRow | null, pressed: Pressed | undefined): boolean {
  if (pressed) return !pressed.step.startsWith('header');
  return webhook !== null && (webhook.filter !== null || !fields.isAll || format.format !== 'event' || filter.mode === 'json');
}

async function previewOf(
  visit: Visit,
  webhook: WebhookRow | null,
  values: WebhookFormValues,
  eventTypes: readonly EventType[],
): Promise<Preview | NotTried> {
  const name = values.name.trim() || values.description.trim() || hostOf(withScheme(values.url.trim()));
  let tried: Tried;
  try {
    tried = sentInput(values, kindsOf(offeredFor(values, eventTypes)), webhook);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { problem: errorText(error) };
  }
  return await tryOut(visit, tried, { webhookId: webhook?.id ?? null, events: values.events, eventTypes, name });
}

/** What is said in the place of a form that would be refused, whatever it held. */
function hindranceOf(visit: Visit): Child {
  if (!planAllows(visit)) return <PlanNotice visit={visit} hasWebhooks={false} />;
  const most = maxWebhooks(quotaOf(visit));
  if (countOfEndpoints(visit.webhooks) < most) return null;
  return (
    <section class="card notice">
      <p>{t('new.full', { count: most })}</p>
      <p>
        <a class="button" href={paths.list}>
          {t('new.toWebhooks')}
        </a>
      </p>
    </section>
  );
}
