import type { EventType } from '../domain/event-type.ts';
import { isOperational } from '../domain/operational-event.ts';
import type { Condition } from '../domain/rules/condition.ts';
import { MAX_NAME_LENGTH } from '../domain/webhook.ts';
import { Choices } from './choices/choices.tsx';
import { writeFields } from './choices/offered-fields.ts';
import { Pace } from './choices/pace.tsx';
import type { NotTried, Preview } from './choices/preview.tsx';
import { Field, Problem, type Problems } from './field.tsx';
import { SecretFields } from './secret-fields.tsx';
import type { Refusal, WebhookFormValues } from './webhook-input.ts';

const NO_PROBLEMS: Problems = new Map();

type OfferedEvent = Pick<EventType, 'name' | 'description' | 'example'>;

interface WebhookFormProps {
  action: string;
  /** Where Cancel leads. */
  back: string;
  values: WebhookFormValues;
  /** Why it was not taken; null where it is shown for the first time. */
  refusal: Refusal | null;
  /** What is wrong otherwise. */
  problems: Problems | undefined;
  eventTypes: readonly OfferedEvent[];
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
        Save
      </button>
      <input type="hidden" name="seen" value={writeFields(values.seen)} />
      {refusal && <Summary refusal={refusal} />}
      <Field
        name="name"
        label="Name (optional)"
        problem={problems.get('name')}
        hint="What you and your colleagues call it. Without one it is called by the host of its URL."
      >
        {(attributes) => (
          <input
            {...attributes}
            type="text"
            value={values.name}
            maxlength={MAX_NAME_LENGTH}
            placeholder="For example: Leads into the CRM"
            autocomplete="off"
          />
        )}
      </Field>
      <Field
        name="url"
        label="Endpoint URL"
        problem={problems.get('url')}
        hint="Where events are sent to: https with a public host name. Answer any POST with a 2xx within 30 seconds."
      >
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
      <Field name="description" label="Description (optional)" problem={problems.get('description')}>
        {(attributes) => (
          <input
            {...attributes}
            type="text"
            value={values.description}
            maxlength={500}
            placeholder="For example: Who looks after it, and what it is for"
            autocomplete="off"
          />
        )}
      </Field>
      <EventChoice values={values} problem={problems.get('events')} eventTypes={eventTypes} />
      <Choices {...props} problems={problems} />
      {(existing?.canSetSecret ?? true) && <SecretFields values={values} problem={problems.get('secret')} existing={existing} />}
      <Pace values={values} problems={problems} usualRetriesMs={usualRetriesMs} />
      <div class="actions">
        <button type="submit" class="primary" data-busy="Saving…">
          Save
        </button>
        <a class="button" href={back}>
          Cancel
        </a>
      </div>
    </form>
  );
}

/** The fields in the order in which they stand: what each is called, and the id of what is to be filled in. */
const FIELDS: readonly [name: string, label: string, id: string][] = [
  ['name', 'Name', 'name'],
  ['url', 'Endpoint URL', 'url'],
  ['description', 'Description', 'description'],
  ['events', 'Events', eventId('*')],
  ['filter', 'Only some events', 'fold-filter'],
  ['once', 'Once per person', 'once'],
  ['template', 'Template', 'template'],
  ['fields', 'Fields', 'fieldsChoice-some'],
  ['token', 'Token', 'token'],
  ['authUser', 'User name', 'authUser'],
  ['headers', 'Headers of your own', 'header-0'],
  ['secret', 'Signing secret', 'secret'],
  ['retrySchedule', 'Retries', 'retrySchedule'],
  ['maxPerSecond', 'Most deliveries a second', 'maxPerSecond'],
  ['maxConcurrent', 'Most deliveries at a time', 'maxConcurrent'],
];

/** Those of the filter's rows stand where the filter does. */
function wrongFields(problems: Problems): [name: string, label: string, id: string][] {
  const rows = [...problems.keys()].filter((name) => name.startsWith('condition-'));
  return FIELDS.flatMap((field): [string, string, string][] => {
    const ofRows = field[0] === 'filter' ? rows.map((name): [string, string, string] => [name, 'Condition', `${name}-field`]) : [];
    return problems.has(field[0]) ? [[...field], ...ofRows] : ofRows;
  });
}

/** Why nothing was saved, with a way to each field that is wrong. */
function Summary({ refusal: { error, problems } }: { refusal: Refusal }) {
  const wrong = wrongFields(problems);
  return (
    <div class="error summary" role="alert">
      {problems.size === 0 ? (
        <p>Nothing has been saved. {error.message}</p>
      ) : (
        <p>{problems.size === 1 ? 'One thing needs' : `${problems.size} things need`} another look; nothing has been saved.</p>
      )}
      {wrong.length > 0 && (
        <ul>
          {wrong.map(([name, label, id]) => (
            <li>
              <a href={`#${id}`}>{label}</a>: {problems.get(name)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface EventChoiceProps {
  values: WebhookFormValues;
  problem: string | undefined;
  eventTypes: readonly OfferedEvent[];
}

function EventChoice({ values, problem, eventTypes }: EventChoiceProps) {
  const offered = new Set(['*', ...eventTypes.map(({ name }) => name)]);
  const others = values.events.filter((name) => !offered.has(name));
  return (
    <fieldset class={problem ? 'wrong' : undefined} aria-describedby={problem ? 'events-error' : undefined}>
      <legend>Events</legend>
      <Problem name="events" problem={problem} />
      <EventOption
        name="*"
        title="All events"
        description={allEventsDescription(eventTypes)}
        chosen={values.events.includes('*')}
        problem={problem}
      />
      {eventTypes.map(({ name, description, example }) => (
        <EventOption name={name} title={name} description={description} example={example} chosen={values.events.includes(name)} />
      ))}
      {others.map((name) => (
        <EventOption name={name} title={name} description={otherDescription(name)} chosen />
      ))}
    </fieldset>
  );
}

/** “All” is more than visitors: a CRM does not know what to do with news of the webhooks themselves. */
function allEventsDescription(eventTypes: readonly OfferedEvent[]): string {
  const ofService = eventTypes.filter(({ name }) => isOperational(name)).map(({ name }) => `\`${name}\``);
  const others = 'Everything below, and types that are added later.';
  if (ofService.length === 0) return others;
  return `${others} Not only visitors: also news of your webhooks themselves, and of people who were erased (${ofService.join(', ')}).`;
}

function otherDescription(name: string): string {
  return name.endsWith('.*') ? `Every event that begins with ${name.slice(0, -1)}` : 'The catalogue does not have this type any more.';
}

interface EventOptionProps {
  name: string;
  title: string;
  description: string;
  example?: unknown;
  chosen: boolean;
  /** What is wrong with the choice as a whole, said of the first of the options. */
  problem?: string;
}

function eventId(name: string): string {
  return `event-${name === '*' ? 'all' : name}`;
}

function EventOption({ name, title, description, example, chosen, problem }: EventOptionProps) {
  const id = eventId(name);
  return (
    <div class="option">
      <input
        type="checkbox"
        name="events"
        value={name}
        id={id}
        checked={chosen}
        autofocus={problem !== undefined}
        aria-describedby={problem === undefined ? `${id}-description` : `events-error ${id}-description`}
      />
      <div>
        <label for={id}>{name === '*' ? title : <code>{title}</code>}</label>
        <p class="hint" id={`${id}-description`}>
          <WithCode text={description} />
        </p>
        {example !== undefined && example !== null && (
          <details>
            <summary>Sample payload</summary>
            <pre tabindex={0}>{JSON.stringify(example, null, 2)}</pre>
          </details>
        )}
      </div>
    </div>
  );
}

/** A text with `code` in it. */
function WithCode({ text }: { text: string }) {
  return <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))}</>;
}
