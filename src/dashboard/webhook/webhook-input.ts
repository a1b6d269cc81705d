import { ApiError, type Issue, invalid, toApiError } from '../../api/errors.ts';
import { MAX_SUBSCRIPTIONS } from '../../api/webhooks/webhook-schema.ts';
import { isDatabaseFailure } from '../../db/client.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { placeholderIn } from '../../domain/endpoint/url-placeholder.ts';
import type { EventType } from '../../domain/event/event-type.ts';
import { MAX_ONCE_DAYS } from '../../domain/rules/choices.ts';
import type { Condition } from '../../domain/rules/condition.ts';
import { MAX_CONCURRENT, MAX_NAME_LENGTH } from '../../domain/webhook/webhook.ts';
import { trimmedSecret } from '../../domain/webhook/webhook-secret.ts';
import { conditionOf, isSameCondition, type Kinds } from '../choices/condition-rows.ts';
import { ALL_FIELDS, type FieldsValues, fieldsInput, fieldsOf, fieldsOfForm } from '../choices/fields.tsx';
import { type FilterValues, filterOf, filterOfForm, filterSaid, NO_FILTER } from '../choices/filter-values.ts';
import { AS_IT_IS, type FormatValues, formatInput, formatOf, formatOfForm } from '../choices/format.tsx';
import { type HeadersValues, headersInput, headersOf, headersOfForm, NO_HEADERS } from '../choices/headers.tsx';
import { type FieldKinds, kindsOf, offeredFields, readFields } from '../choices/offered-fields.ts';
import { EVERY_TIME, type OnceValues, onceInput, onceOf, onceOfForm } from '../choices/once.tsx';
import { type RetryValues, retriesInput, retriesOf, retriesOfForm, USUAL_RETRIES } from '../choices/retries.tsx';
import type { PageContext } from '../frame/visit.ts';
import type { Problems } from '../parts/field.tsx';
import { Room } from '../parts/room.ts';
import { t } from '../words/words.tsx';

/** What becomes of the secret: `keep` is for a webhook that is there already. */
export const SECRET_CHOICES = ['keep', 'generate', 'own', 'none'] as const;
export type SecretChoice = (typeof SECRET_CHOICES)[number];

/** What a person typed into the form of a webhook, as they typed it; but what comes with pasting a secret, unseen, is off. */
export interface WebhookFormValues {
  name: string;
  url: string;
  /** The URL that is right as it is, though it looks unfinished: whoever typed it has said so. */
  keptUrl: string;
  description: string;
  events: readonly string[];
  secretChoice: SecretChoice;
  secret: string;
  maxPerSecond: string;
  maxConcurrent: string;
  filter: FilterValues;
  once: OnceValues;
  fields: FieldsValues;
  format: FormatValues;
  headers: HeadersValues;
  retries: RetryValues;
  /** Fields of the events that came, as they were when the form was opened. */
  seen: FieldKinds;
  /** What of the webhook is too long for the page: it is not shown, and stays as it is. */
  kept: readonly Keepable[];
}

/** What can be longer than a page has room for, in the order in which it gets it. */
export const KEEPABLE = ['filter', 'fields'] as const;
export type Keepable = (typeof KEEPABLE)[number];

/** Room for these, in bytes of the page. A text that is quoted takes up to twice what it is counted for. */
const TEXT_BYTES = 170_000;

export const EMPTY_FORM: WebhookFormValues = {
  name: '',
  url: '',
  keptUrl: '',
  description: '',
  events: ['visitor.identified'],
  secretChoice: 'generate',
  secret: '',
  maxPerSecond: '',
  maxConcurrent: '',
  filter: NO_FILTER,
  once: EVERY_TIME,
  fields: ALL_FIELDS,
  format: AS_IT_IS,
  headers: NO_HEADERS,
  retries: USUAL_RETRIES,
  seen: new Map(),
  kept: [],
};

type Catalogue = readonly Pick<EventType, 'name' | 'example' | 'schema'>[];

/** The fields that are offered for a form: what they hold decides what a typed value means. */
export function offeredFor({ events, seen }: Pick<WebhookFormValues, 'events' | 'seen'>, eventTypes: Catalogue): FieldKinds {
  return offeredFields(eventTypes, events, seen);
}

export function valuesOfWebhook(webhook: WebhookRow, seen: FieldKinds, eventTypes: Catalogue): WebhookFormValues {
  const kinds = kindsOf(offeredFor({ events: webhook.events, seen }, eventTypes));
  const kept = tooLong(webhook);
  return {
    name: webhook.name ?? '',
    url: webhook.url,
    keptUrl: '',
    description: webhook.description ?? '',
    events: webhook.events,
    secretChoice: 'keep',
    secret: '',
    maxPerSecond: webhook.maxPerSecond?.toString() ?? '',
    maxConcurrent: webhook.maxConcurrent?.toString() ?? '',
    filter: filterOf(kept.includes('filter') ? null : webhook.filter, kinds),
    once: onceOf(webhook.once),
    fields: kept.includes('fields') ? ALL_FIELDS : fieldsOf(webhook.fields),
    format: formatOf(webhook),
    headers: headersOf(webhook.headerNames),
    retries: retriesOf(webhook.retrySchedule),
    seen,
    kept,
  };
}

function tooLong({ template, filter, fields }: WebhookRow): Keepable[] {
  const room = new Room(TEXT_BYTES);
  // The longest template has room.
  room.take(template ?? '');
  const texts = { filter: JSON.stringify(filter), fields: fields?.join('\n') ?? '' };
  return KEEPABLE.filter((name) => room.takeWhole(texts[name]) === null);
}

export function valuesOfForm(form: URLSearchParams): WebhookFormValues {
  return {
    name: form.get('name') ?? '',
    url: form.get('url') ?? '',
    keptUrl: form.get('keptUrl') ?? '',
    description: form.get('description') ?? '',
    // One more than there may be is refused like any number of them.
    events: form.getAll('events').slice(0, MAX_SUBSCRIPTIONS + 1),
    secretChoice: SECRET_CHOICES.find((choice) => choice === form.get('secretChoice')) ?? 'keep',
    secret: trimmedSecret(form.get('secret') ?? ''),
    maxPerSecond: form.get('maxPerSecond') ?? '',
    maxConcurrent: form.get('maxConcurrent') ?? '',
    filter: filterOfForm(form),
    once: onceOfForm(form),
    fields: fieldsOfForm(form),
    format: formatOfForm(form),
    headers: headersOfForm(form),
    retries: retriesOfForm(form),
    seen: readFields(form.get('seen') ?? ''),
    kept: KEEPABLE.filter((name) => form.getAll('kept').includes(name)),
  };
}

/**
 * The values that creating and changing a webhook share, as the API takes them. What is no number, and no condition, is left for the API to
 * refuse. Throws an ApiError where something is wrong that the API could not see.
 */
export function sharedInput(values: WebhookFormValues, kinds: Kinds, stored: WebhookRow | null = null) {
  return {
    name: values.name.trim() || null,
    url: withScheme(values.url.trim()),
    description: values.description.trim() || null,
    events: asStored(values.events, stored?.events),
    maxPerSecond: numberOf(values.maxPerSecond),
    maxConcurrent: numberOf(values.maxConcurrent),
    ...sentInput(values, kinds, stored),
    once: onceInput(values.once),
    headers: headersInput(values.headers, stored?.headerNames ?? null),
    retrySchedule: retriesInput(values.retries),
  };
}

/** Of these, what decides which events are sent, and in which form: all that a preview needs. */
export function sentInput({ filter, fields, format, kept }: WebhookFormValues, kinds: Kinds, stored: WebhookRow | null = null) {
  const { condition } = filterSaid(filter, kinds);
  // A condition that says the same stays as it was written.
  const stays = stored && (kept.includes('filter') || isSameCondition(condition, stored.filter));
  return {
    filter: (stays ? stored.filter : condition) as Condition | null,
    fields: stored && kept.includes('fields') ? stored.fields : fieldsInput(fields, stored?.fields),
    ...formatInput(format),
  };
}

/** What of the input changes a webhook. What stays as it is is not written anew, nor tried anew: a template's examples may have changed. */
export function changesIn(input: ReturnType<typeof sharedInput>, stored: WebhookRow): Partial<typeof input> {
  const { once, ...rest } = stored;
  const before: Record<string, unknown> = { ...rest, once: once && { per: once.per, days: once.days } };
  const hasHeaders = stored.headerNames !== null;
  const isChange = ([name, value]: [string, unknown]) => {
    // None where there are none: it needs no fresh sign-in.
    if (name === 'headers') return value !== undefined && (value !== null || hasHeaders);
    return value !== undefined && !isSame(value, before[name]);
  };
  return Object.fromEntries(Object.entries(input).filter(isChange));
}

function isSame(one: unknown, other: unknown): boolean {
  // Written as JSON, what is no number would be null.
  return typeof one === 'object' && one !== null ? JSON.stringify(one) === JSON.stringify(other) : Object.is(one, other);
}

/** The same names in another order are no change. */
function asStored(names: readonly string[], stored: readonly string[] | undefined): string[] {
  const isSameSet = stored?.length === names.length && stored.every((name) => names.includes(name));
  return [...(isSameSet ? stored : names)];
}

/** A host with a dot, perhaps a port, and what follows. */
const WITHOUT_SCHEME = /^[^\s/?#@:\\]+\.[^\s/?#@:\\]+(:\d+)?([/?#]|$)/;

/** `hooks.example.com/in`, as people copy it from an address bar, can only mean `https://`. What else is wrong is left for the API to refuse. */
export function withScheme(url: string): string {
  return WITHOUT_SCHEME.test(url) ? `https://${url}` : url;
}

/** A URL that looks unfinished, and of which nobody has said that it is right: the part to be filled in. Null: there is nothing to ask. */
export function unfinishedPart({ url, keptUrl }: Pick<WebhookFormValues, 'url' | 'keptUrl'>): string | null {
  const typed = url.trim();
  return typed === keptUrl.trim() ? null : placeholderIn(typed);
}

/** Asks about a URL that looks unfinished, once: what is saved would send every event nowhere. Throws an ApiError. */
export function askAboutUrl(values: WebhookFormValues): void {
  const part = unfinishedPart(values);
  if (part === null) return;
  const message = t('problem.placeholder', { part: part.slice(0, 60).toWellFormed() });
  throw invalid([{ field: 'url', message }]);
}

/** The number that was typed; null: the field was left empty. */
function numberOf(text: string): number | null {
  return text.trim() === '' ? null : Number(text);
}

/** Sentences of our own for what people run into; the API's say the rest. */
const SENTENCES: Record<string, (value: WebhookFormValues, issue: Issue) => string | null> = {
  name: ({ name }) => (name.trim().length > MAX_NAME_LENGTH ? t('problem.name', { most: MAX_NAME_LENGTH }) : null),
  url: ({ url }) => (url.trim() === '' ? t('problem.url') : null),
  events: ({ events }) => (events.length === 0 ? t('problem.events') : null),
  secret: ({ secret }) => (secret === '' ? t('problem.secret') : null),
  maxPerSecond: () => t('problem.number', { most: 1_000 }),
  maxConcurrent: () => t('problem.number', { most: MAX_CONCURRENT }),
  once: (_, { field }) => (field === 'once.days' ? t('once.problem.days', { most: MAX_ONCE_DAYS }) : t('once.problem.field')),
  fields: ({ fields }) => (fields.paths.length === 0 ? t('fields.none') : null),
  template: ({ format }) => (format.template.trim() === '' ? t('problem.template') : null),
  retrySchedule: ({ retries }) => (retries.own.trim() === '' ? t('problem.retrySchedule') : null),
};

/** Why a form was not taken: what is wrong by field, or else the error's own message. */
export interface Refusal {
  error: ApiError;
  problems: Problems;
}

/**
 * The refusal after which a form stands again with what was typed: nobody types it twice because of a limit or an outage. A fault
 * of ours is thrown on, to the error page.
 */
export function refusedOf(c: PageContext, thrown: unknown): ApiError {
  if (!(thrown instanceof ApiError) && !isDatabaseFailure(thrown)) throw thrown;
  // The form goes to the sign-in page, and comes back.
  if (thrown instanceof ApiError && thrown.code === 'fresh_sign_in_required') throw thrown;
  const error = toApiError(thrown, c.get('requestId'), { method: c.req.method, path: c.req.path });
  if (error.status === 500) throw error;
  return error;
}

export function refusalOf(c: PageContext, thrown: unknown, values: WebhookFormValues, kinds: Kinds): Refusal {
  const error = refusedOf(c, thrown);
  const issues = error.code === 'validation_failed' ? (error.details.issues as Issue[]) : [];
  return { error, problems: problemsOf(issues, values, kinds) };
}

function problemsOf(issues: readonly Issue[], values: WebhookFormValues, kinds: Kinds): Problems {
  const problems = new Map<string, string>();
  const rows = values.filter.mode === 'rows' ? conditionOf(values.filter.rows, kinds).rows : new Map<string, string>();
  for (const issue of issues) {
    const [name = ''] = issue.field.split(/[.[]/);
    const place = [...rows].find(([place]) => issue.field === place || issue.field.startsWith(`${place}.`));
    const [at, said] = place ? [`condition-${place[1]}`, rowSentence(issue)] : [name, SENTENCES[name]?.(values, issue) ?? issue.message];
    if (!problems.has(at)) problems.set(at, said);
  }
  return problems;
}

/** What is wrong with a row of the filter, without the names that the API has for its parts. */
function rowSentence({ field, message }: Issue): string {
  if (field.endsWith('.field')) return t('problem.condition.field');
  if (/ is null|has 0 values/.test(message)) return t('problem.condition.value');
  return message.endsWith('not a number') ? t('problem.condition.number') : message.replace('`value`', 'The value');
}
