import type { WebhookRow } from '../../db/webhooks.ts';
import { DELIVERY_STATUSES } from '../../domain/delivery/delivery.ts';
import { RESPONSE_KINDS } from '../../domain/delivery/response-filter.ts';
import { paths } from '../frame/paths.ts';
import { inputValue, useClock, zoneName } from '../parts/clock.ts';
import { Field, type Problems } from '../parts/field.tsx';
import { STATUS_WORDS } from '../parts/wording.ts';
import { t } from '../words/words.tsx';
import { type Filters, RANGE_NAMES, spanOf } from './delivery-filters.ts';

/** Statuses that are chosen often; a link can have any. */
const STATUSES = ['400', '401', '403', '404', '405', '408', '409', '410', '413', '415', '422', '429', '500', '502', '503', '504'];

/** Attempts that a delivery has had at least. */
const ATTEMPTS = [1, 2, 3, 4, 8];

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
    <form class="filters" method="get" action={path} aria-label={t('deliveryFilter.title')}>
      <div class="field grow">
        <label for="q">{t('deliveryFilter.search')}</label>
        <input id="q" name="q" type="search" value={filters.q} maxlength={200} placeholder={t('search.what')} spellcheck={false} />
      </div>
      <Choice
        name="status"
        label={t('deliveries.status')}
        options={DELIVERY_STATUSES.map((each) => [each, STATUS_WORDS[each]])}
        chosen={filters.status}
      />
      <ResponseChoice chosen={filters.response} />
      <div class="actions">
        <button type="submit">{t('deliveryFilter.submit')}</button>
        {Object.keys(filters).length > 0 && <a href={path}>{t('deliveryFilter.clear')}</a>}
      </div>
      <details class="more" id="more-filters" open={isOpen}>
        <summary>{t('deliveryFilter.more')}</summary>
        <div class="filters">
          <Choice name="event" label={t('deliveryFilter.event')} options={events.map((each) => [each, each])} chosen={event} />
          <Choice
            name="minAttempts"
            label={t('deliveries.attempts')}
            options={ATTEMPTS.map((count) => [String(count), t('deliveryFilter.atLeast', { count })])}
            chosen={minAttempts}
          />
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
      <Field name="from" label={t('deliveryFilter.from', { zone })} problem={problems.get('from')}>
        {(attributes) => <input {...attributes} type="datetime-local" value={value('from')} />}
      </Field>
      <Field name="to" label={t('deliveryFilter.to', { zone })} problem={problems.get('to')}>
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
        <option value="">{t('deliveryFilter.all')}</option>
        {options.map(([value, words]) => (
          <Option value={value} words={words} chosen={chosen} />
        ))}
        {isOther && <Option value={chosen} words={chosen} chosen={chosen} />}
      </select>
    </div>
  );
}

function ResponseChoice({ chosen }: { chosen: string | undefined }) {
  const isOther = chosen !== undefined && !RESPONSE_KINDS.some((kind) => kind === chosen) && !STATUSES.includes(chosen);
  return (
    <div class="field">
      <label for="response">{t('deliveries.response')}</label>
      <select id="response" name="response">
        <option value="">{t('deliveryFilter.all')}</option>
        {RESPONSE_KINDS.map((kind) => (
          <Option value={kind} words={t(`deliveryFilter.response.${kind}`)} chosen={chosen} />
        ))}
        <optgroup label={t('deliveryFilter.oneStatus')}>
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
    <nav class="switch" aria-label={t('deliveryFilter.time')}>
      <a href={at({})} aria-current={isAny ? 'true' : undefined}>
        {t('deliveryFilter.anyTime')}
      </a>
      {RANGE_NAMES.map((name) => (
        <a href={at({ range: name })} aria-current={name === range ? 'true' : undefined}>
          {t(`deliveryFilter.range.${name}`)}
        </a>
      ))}
    </nav>
  );
}
