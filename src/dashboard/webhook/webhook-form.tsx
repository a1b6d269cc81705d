import type { EventType } from '../../domain/event/event-type.ts';
import type { Condition } from '../../domain/rules/condition.ts';
import { MAX_NAME_LENGTH } from '../../domain/webhook/webhook.ts';
import { Choices } from '../choices/choices.tsx';
import { writeFields } from '../choices/offered-fields.ts';
import { Pace } from '../choices/pace.tsx';
import type { NotTried, Preview } from '../choices/preview.tsx';
import { Field, type Problems } from '../parts/field.tsx';
import { errorText } from '../words/error-words.ts';
import { type BareKey, rich, t } from '../words/words.tsx';
import { EventChoice, FIRST_EVENT } from './event-choice.tsx';
import { SecretFields } from './secret-fields.tsx';
import { type Refusal, unfinishedPart, type WebhookFormValues } from './webhook-input.ts';

const NO_PROBLEMS: Problems = new Map();

interface WebhookFormProps {
  action: string;
  /** Where Cancel leads. */
  back: string;
  values: WebhookFormValues;
  /** Why it was not taken; null where it is shown for the first time. */
  refusal: Refusal | null;
  /** What is wrong otherwise. */
  problems: Problems | undefined;
  eventTypes: readonly Pick<EventType, 'name' | 'description' | 'example'>[];
  existing: ExistingWebhook | null;
  /** Paths of the fields that are offered. */
  offered: readonly string[];
  /** An event of a type that the webhook subscribes to, laid out. */
  example: string;
  /** What came of trying it; null: that was not asked for. */
  preview: Preview | NotTried | null;
  /** A button that was pressed, and what has the focus after it; null: none was. */
  pressed: Pressed | null;
  usualRetriesMs: readonly number[];
}

export interface Pressed {
  step: string;
  focus: string;
}

/** Of a webhook that is there already; null: it is a new one. */
export interface ExistingWebhook {
  id: string;
  hasSecret: boolean;
  /** Whether the person may change its secret. */
  canSetSecret: boolean;
  filter: Condition | null;
  headerNames: readonly string[] | null;
}

/** The form of a webhook, new or existing. The browser checks nothing: what is wrong is said beside its field, in our words. */
export function WebhookForm(props: WebhookFormProps) {
  const { action, back, values, refusal, eventTypes, existing, usualRetriesMs } = props;
  const problems = refusal?.problems ?? props.problems ?? NO_PROBLEMS;
  return (
    <form method="post" action={action} class="card form" novalidate data-tried="">
      {/* Enter saves: it presses the first button, and the others only change the form. */}
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nobody gets to it, and the Save that can be seen does the same. */}
      <button type="submit" class="visually-hidden" tabindex={-1} aria-hidden="true">
        {t('button.save')}
      </button>
      <input type="hidden" name="seen" value={writeFields(values.seen)} />
      {refusal && <Summary refusal={refusal} />}
      <Field name="name" label={t('form.name')} problem={problems.get('name')} hint={t('form.nameHint')}>
        {(attributes) => (
          <input
            {...attributes}
            type="text"
            value={values.name}
            maxlength={MAX_NAME_LENGTH}
            placeholder={t('form.nameExample')}
            autocomplete="off"
          />
        )}
      </Field>
      <Field name="url" label={t('form.url')} problem={problems.get('url')} hint={t('form.urlHint')}>
        {(attributes) => (
          <input
            {...attributes}
            type="url"
            inputmode="url"
            value={values.url}
            placeholder="https://hooks.example.com/bullseye"
            required
            maxlength={2_048}
            autocomplete="off"
            spellcheck={false}
          />
        )}
      </Field>
      <UnfinishedUrl values={values} problem={problems.get('url')} />
      {(existing?.canSetSecret ?? true) && <SecretFields values={values} problem={problems.get('secret')} existing={existing} />}
      <EventChoice values={values} problem={problems.get('events')} eventTypes={eventTypes} />
      <Field name="description" label={t('form.description')} problem={problems.get('description')}>
        {(attributes) => (
          <input
            {...attributes}
            type="text"
            value={values.description}
            maxlength={500}
            placeholder={t('form.descriptionExample')}
            autocomplete="off"
          />
        )}
      </Field>
      <Choices {...props} problems={problems} />
      <Pace values={values} problems={problems} usualRetriesMs={usualRetriesMs} />
      <div class="actions">
        <button type="submit" class="primary" data-busy={t('button.saving')}>
          {t('button.save')}
        </button>
        <a class="button" href={back}>
          {t('button.cancel')}
        </a>
      </div>
    </form>
  );
}

/** Asks whether a URL that looks unfinished is right. Once that is said it stays said, for this URL. */
function UnfinishedUrl({ values, problem }: { values: WebhookFormValues; problem: string | undefined }) {
  const isAsked = problem !== undefined && unfinishedPart(values) !== null;
  if (!isAsked && values.keptUrl === '') return null;
  return (
    <p class="option">
      <input type="checkbox" name="keptUrl" value={values.url.trim()} id="keptUrl" checked={values.keptUrl !== '' && !isAsked} />
      <label for="keptUrl">{t('form.urlIsRight')}</label>
    </p>
  );
}

type WrongField = readonly [name: string, label: BareKey, id: string];

/** The fields in the order in which they stand: what each is called, and the id of what is to be filled in. */
const FIELDS: readonly WrongField[] = [
  ['name', 'form.field.name', 'name'],
  ['url', 'form.url', 'url'],
  ['secret', 'secret.title', 'secret'],
  ['events', 'events.title', FIRST_EVENT],
  ['description', 'form.field.description', 'description'],
  ['filter', 'filter.title', 'fold-filter'],
  ['once', 'once.title', 'once'],
  ['template', 'template.label', 'template'],
  ['fields', 'fields.title', 'fieldsChoice-some'],
  ['token', 'headers.token', 'token'],
  ['authUser', 'headers.user', 'authUser'],
  ['headers', 'headers.own', 'header-0'],
  ['retrySchedule', 'form.field.retries', 'retrySchedule'],
  ['maxPerSecond', 'form.field.perSecond', 'maxPerSecond'],
  ['maxConcurrent', 'form.field.atOnce', 'maxConcurrent'],
];

/** Those of the filter's rows stand where the filter does. */
function wrongFields(problems: Problems): WrongField[] {
  const rows = [...problems.keys()].filter((name) => name.startsWith('condition-'));
  return FIELDS.flatMap((field): WrongField[] => {
    const ofRows = field[0] === 'filter' ? rows.map((name): WrongField => [name, 'form.field.condition', `${name}-field`]) : [];
    return problems.has(field[0]) ? [field, ...ofRows] : ofRows;
  });
}

/** Why nothing was saved, with a way to each field that is wrong. */
function Summary({ refusal: { error, problems } }: { refusal: Refusal }) {
  const wrong = wrongFields(problems);
  return (
    <div class="error summary" role="alert">
      <p>{problems.size === 0 ? t('form.refused', { problem: errorText(error) }) : t('form.summary', { count: problems.size })}</p>
      {wrong.length > 0 && (
        <ul>
          {wrong.map(([name, label, id]) => (
            <li>
              {rich('form.wrong', { field: t(label), problem: problems.get(name) ?? '', link: (inner) => <a href={`#${id}`}>{inner}</a> })}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
