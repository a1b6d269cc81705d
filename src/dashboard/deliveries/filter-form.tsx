import type { WebhookRow } from '../../db/webhooks.ts';
import { DELIVERY_STATUSES } from '../../domain/delivery.ts';
import type { ResponseKind } from '../../domain/response-filter.ts';
import { inputValue, useClock, zoneName } from '../clock.ts';
import { type Filters, RANGES, spanOf } from '../delivery-filters.ts';
import { Field, type Problems } from '../field.tsx';
import { paths } from '../paths.ts';
import { SEARCHED_FOR } from '../search/search-form.tsx';
import { STATUS_WORDS } from '../wording.ts';

/** How a last attempt can have been answered, in words. */
const RESPONSE_WORDS: Record<ResponseKind, string> = {
  '2xx': 'Success (200 to 299)',
  '3xx': 'Redirected (300 to 399)',
  '4xx': 'Rejected (400 to 499)',
  '5xx': 'Error (500 to 599)',
  timeout: 'No answer in time',
  unreachable: 'Could not be reached',
};

/** Statuses that are chosen often; a link can have any. */
const STATUSES = ['400', '401', '403', '404', '405', '408', '409', '410', '413', '415', '422', '429', '500', '502', '503', '504'];

const ATTEMPTS: readonly [value: string, name: string][] = [
  ['1', '1 or more'],
  ['2', '2 or more'],
  ['3', '3 or more'],
  ['4', '4 or more'],
  ['8', '8 or more'],
];

interface FilterFormProps {
  webhook: WebhookRow;
  filters: Filters;
  events: readonly string[];
  /** What is wrong with the times. */
  problems: Problems;
  /** What the API says is wrong with the others. */
  problem: string | null;
  nowMs: number;
}

/** The filters of the deliveries. What is chosen less often is folded away while nothing of it is chosen. */
export function FilterForm({ webhook, filters, events, problems, problem, nowMs }: FilterFormProps) {
  const path = paths.webhook(webhook.id, 'deliveries');
  const { event, minAttempts, from, to, range } = filters;
  const isOpen = [event, minAttempts, from, to].some((value) => value !== undefined);
  return (
    <form class="filters" method="get" action={path} aria-label="Filter the deliveries">
      <div class="field grow">
        <label for="q">Search</label>
        <input id="q" name="q" type="search" value={filters.q} maxlength={200} placeholder={SEARCHED_FOR} spellcheck={false} />
      </div>
      <Choice name="status" label="Status" options={DELIVERY_STATUSES.map((each) => [each, STATUS_WORDS[each]])} chosen={filters.status} />
      <ResponseChoice chosen={filters.response} />
      <div class="actions">
        <button type="submit">Filter</button>
        {Object.keys(filters).length > 0 && <a href={path}>Clear</a>}
      </div>
      <details class="more" id="more-filters" open={isOpen}>
        <summary>Event, attempts and time</summary>
        <div class="filters">
          <Choice name="event" label="Event" options={events.map((each) => [each, each])} chosen={event} />
          <Choice name="minAttempts" label="Attempts" options={ATTEMPTS} chosen={minAttempts} />
          <Times filters={filters} problems={problems} nowMs={nowMs} />
        </div>
      </details>
      {range && <input type="hidden" name="range" value={range} />}
      {problem && (
        <p class="error" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

/** From and to, in the reader's zone, which goes along: the times of a link are those of who made it. */
function Times({ filters, problems, nowMs }: { filters: Filters; problems: Problems; nowMs: number }) {
  const clock = useClock();
  const zone = zoneName(clock);
  const span = filters.range ? {} : spanOf(filters, nowMs);
  // What is wrong is shown as it was typed.
  const value = (name: 'from' | 'to') => (span[name] === undefined ? filters[name] : inputValue(clock, span[name]));
  return (
    <>
      <input type="hidden" name="zone" value={clock.zone} />
      <Field name="from" label={`From (${zone})`} problem={problems.get('from')}>
        {(attributes) => <input {...attributes} type="datetime-local" value={value('from')} />}
      </Field>
      <Field name="to" label={`To (${zone})`} problem={problems.get('to')}>
        {(attributes) => <input {...attributes} type="datetime-local" value={value('to')} />}
      </Field>
    </>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  options: readonly (readonly [value: string, name: string])[];
  chosen: string | undefined;
}

/** A choice among some, or none of them; what a link has chosen beside these is there, too. */
function Choice({ name, label, options, chosen }: ChoiceProps) {
  const isOther = chosen !== undefined && !options.some(([value]) => value === chosen);
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select id={name} name={name}>
        <option value="">All</option>
        {options.map(([value, words]) => (
          <Option value={value} words={words} chosen={chosen} />
        ))}
        {isOther && <Option value={chosen} words={chosen} chosen={chosen} />}
      </select>
    </div>
  );
}

function ResponseChoice({ chosen }: { chosen: string | undefined }) {
  const isOther = chosen !== undefined && !Object.hasOwn(RESPONSE_WORDS, chosen) && !STATUSES.includes(chosen);
  return (
    <div class="field">
      <label for="response">Response</label>
      <select id="response" name="response">
        <option value="">All</option>
        {Object.entries(RESPONSE_WORDS).map(([value, words]) => (
          <Option value={value} words={words} chosen={chosen} />
        ))}
        <optgroup label="One status">
          {(isOther ? [...STATUSES, chosen] : STATUSES).map((status) => (
            <Option value={status} words={status} chosen={chosen} />
          ))}
        </optgroup>
      </select>
    </div>
  );
}

function Option({ value, words, chosen }: { value: string; words: string; chosen: string | undefined }) {
  return (
    <option value={value} selected={value === chosen}>
      {words}
    </option>
  );
}

/** Ranges of time that are one click: links that stay relative. */
export function QuickRanges({ webhook, filters }: { webhook: WebhookRow; filters: Filters }) {
  const { range, from, to, zone: _zone, ...others } = filters;
  const path = paths.webhook(webhook.id, 'deliveries');
  const isAny = range === undefined && from === undefined && to === undefined;
  const at = (more: Record<string, string>) => {
    const query = String(new URLSearchParams({ ...others, ...more }));
    return query === '' ? path : `${path}?${query}`;
  };
  return (
    <nav class="switch" aria-label="Time">
      <a href={at({})} aria-current={isAny ? 'true' : undefined}>
        Any time
      </a>
      {Object.entries(RANGES).map(([value, { name }]) => (
        <a href={at({ range: value })} aria-current={value === range ? 'true' : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}
