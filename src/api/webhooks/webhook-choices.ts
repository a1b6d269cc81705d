import type { WebhookRow } from '../../db/webhooks.ts';
import { MAX_RETRIES, scheduleFlaws } from '../../domain/delivery/retry-schedule.ts';
import {
  type HeaderChanges,
  headerFlaws,
  MAX_HEADER_NAME_LENGTH,
  MAX_HEADER_VALUE_LENGTH,
  MAX_HEADERS,
} from '../../domain/endpoint/own-headers.ts';
import { type Issue, mismatch } from '../../domain/issue.ts';
import { FORMATS, MAX_FIELDS, MAX_ONCE_DAYS, MAX_TEMPLATE_LENGTH } from '../../domain/rules/choices.ts';
import { type Condition, MAX_LEAVES, MAX_LEVELS, MAX_VALUES, OPERATORS, readCondition } from '../../domain/rules/condition.ts';
import { isPath, MAX_PATH_LENGTH, PATH_FORM } from '../../domain/rules/path.ts';
import { orNull, z } from '../zod.ts';

/*
 * What a webhook's owner chooses of what is sent, as requests and answers have it. What the domain reads itself names its places by itself, with
 * brackets for what is in a list: `filter.any[0].value`.
 */

/** A schema in the description of the API, as OpenAPI writes it. */
type Described = NonNullable<Parameters<z.ZodType['openapi']>[1]>;

/** A part of a body that a function of the domain judges, or null. The names of its issues begin with the part's own. */
function judged<T>(flawsOf: (value: unknown) => readonly Issue[], described: Described): z.ZodType<T | null> {
  const schema = z.unknown().superRefine((value, context) => {
    if (value === null) return;
    for (const { field, message } of flawsOf(value)) {
      const [, place] = /^\w+\.?(.*)$/s.exec(field) ?? [];
      context.addIssue({ code: 'custom', message, path: place ? [place] : [] });
    }
  });
  // That the value is a T is the domain's judgement, which a schema of anything does not know of.
  return schema.openapi(described) as unknown as z.ZodType<T | null>;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const leaf = z.strictObject({
  field: z
    .string()
    .max(MAX_PATH_LENGTH)
    .openapi({ description: `Is ${PATH_FORM}.` }),
  operator: z.enum(OPERATORS),
  value: z
    .union([scalar, z.array(scalar).min(1).max(MAX_VALUES)])
    .optional()
    .openapi({
      description:
        'What the field is compared with: a list with `one_of` and `none_of`, a text with `contains`, `not_contains`, `starts_with` and `ends_with`, a number ' +
        'with `greater_than`, `at_least`, `less_than` and `at_most`; absent with `exists` and `not_exists`.',
    }),
});
const group = z.lazy(() => z.array(condition).min(1));

/** Only described here: the domain reads it. */
const condition: z.ZodType<Condition> = z
  .lazy(() => z.union([leaf, z.strictObject({ all: group }), z.strictObject({ any: group }), z.strictObject({ not: condition })]))
  .openapi('Condition', {
    description:
      `Which events a webhook wants: what one field must be, or a group. At most ${MAX_LEVELS} levels, of which a field is one, and ${MAX_LEAVES} fields. ` +
      'Text is compared without regard to case, and nothing is converted: the text "200" is not the number 200. A field that is missing meets `not_…`, ' +
      '`none_of` and `not_exists` alone; null counts as missing. Of a list one element must meet the operator, but all of them `not_…` and `none_of`.',
    example: { field: 'company.employee_count', operator: 'at_least', value: 200 },
  });

export const filterInput = judged<Condition>((value) => readCondition(value).issues, {
  anyOf: [{ $ref: '#/components/schemas/Condition' }, { type: 'null' }],
  description: 'Which events make a delivery; the others are counted as `filtered`. Null: all that the webhook subscribes to.',
});

const once = z.strictObject({
  per: z
    .string()
    .refine(isPath, `\`per\` is not ${PATH_FORM}`)
    .openapi({ description: 'The field whose value goes out once. An event without it goes out.', example: 'visitor.email' }),
  days: z.number().int().min(1).max(MAX_ONCE_DAYS),
});

const onceDescription =
  'Of events with the same value in a field only the first goes out, and no further one that is accepted within so many days of it; these are counted as ' +
  '`repeated`. Another `per` starts afresh.';

function pathFlaws(paths: unknown): Issue[] {
  if (!Array.isArray(paths)) return [{ field: 'fields', message: mismatch('`fields`', paths, 'an array of paths') }];
  if (paths.length === 0 || paths.length > MAX_FIELDS) {
    return [{ field: 'fields', message: `\`fields\` has ${paths.length} paths; it has 1 to ${MAX_FIELDS}` }];
  }
  const isGood = (path: unknown) => typeof path === 'string' && isPath(path);
  return paths.flatMap((path, at) => (isGood(path) ? [] : [{ field: `fields[${at}]`, message: `this is not ${PATH_FORM}` }]));
}

export const fieldsInput = judged<string[]>(pathFlaws, {
  type: ['array', 'null'],
  items: { type: 'string', maxLength: MAX_PATH_LENGTH },
  minItems: 1,
  maxItems: MAX_FIELDS,
  description:
    'The paths of the fields that are sent, beside `event`, `timestamp` and `organization_id`, which always are. Values keep their exact source text. ' +
    'Applies before `format`. Null: all fields.',
  example: ['visitor.email', 'company.name'],
});

export const formatInput = z.enum(FORMATS).openapi({
  description:
    'In which form: `event` as accepted (or the chosen fields of it); `flat` on one level, keys joined by `_`; `slack`, `teams` and `discord` what the ' +
    'incoming webhooks of these products take; `template` what `template` makes of it.',
  example: 'event',
});

export const templateInput = z
  .string()
  .min(1)
  .max(MAX_TEMPLATE_LENGTH)
  .nullable()
  .openapi({
    description:
      'Liquid that makes JSON of an event, whose fields are its variables: `{{ visitor.email | json }}` writes a value as JSON. A webhook has one exactly ' +
      'where its format is `template`: another format drops it. It is tried, when it, the format, the fields or the events are saved, on the example of each ' +
      'type in the catalogue that the webhook subscribes to: 422 with `details.line` and `details.column`. A real event can still be another: one that it ' +
      'fails on ends as `failed`, reason `not_rendered`.',
    example: '{ "email": {{ visitor.email | json }} }',
  });

export const headersInput = judged<HeaderChanges>(headerFlaws, {
  type: ['object', 'null'],
  additionalProperties: { type: ['string', 'null'], minLength: 1, maxLength: MAX_HEADER_VALUE_LENGTH },
  description:
    `Headers of your own on each request, at most ${MAX_HEADERS}: names of at most ${MAX_HEADER_NAME_LENGTH} characters, values of 1 to ` +
    `${MAX_HEADER_VALUE_LENGTH.toLocaleString('en')} printable ASCII characters. Kept like a secret: answers have \`headerNames\` alone, attempts show the ` +
    'values as `•••`, and an admin reads them at `…/secret`. Names are compared without regard to case. Refused: what each request has already, and what ' +
    'steers the connection (`Content-*`, `Host`, `User-Agent`, `Cookie`, `webhook-*` …).',
  example: { Authorization: 'Bearer 3f9a07c2' },
});

const retryScheduleInput = judged<string[]>(scheduleFlaws, {
  type: ['array', 'null'],
  items: { type: 'string', pattern: String.raw`^\d+[smh]$` },
  minItems: 1,
  maxItems: MAX_RETRIES,
  description:
    'The waits between attempts: whole numbers with `s`, `m` or `h`, each of `30s` to `24h`, together at most 7 days. A delivery waits for 3 days at most, ' +
    'or a day longer than its schedule. A wait that has begun stays as it is. Null: the schedule of the service.',
  example: ['1m', '10m', '1h', '24h'],
});

/** As a request can have them, to create a webhook or to change one. */
export const choicesInput = {
  filter: filterInput.optional(),
  once: once
    .nullable()
    .optional()
    .openapi({ description: `${onceDescription} Null: all go out.` }),
  fields: fieldsInput.optional(),
  format: formatInput.optional(),
  template: templateInput.optional(),
  headers: headersInput.optional(),
  retrySchedule: retryScheduleInput.optional(),
};

/** As answers have them: all but the values of headers. */
export const choices = {
  filter: orNull(condition),
  once: z.object({ per: z.string(), days: z.number().int() }).nullable(),
  fields: z.array(z.string()).nullable(),
  format: z.enum(FORMATS),
  template: z.string().nullable(),
  headerNames: z.array(z.string()).nullable().openapi({ description: 'The names of its own headers. Their values are never listed.' }),
  retrySchedule: z.array(z.string()).nullable(),
};

export function toChoices(row: WebhookRow): { [Name in keyof typeof choices]: z.input<(typeof choices)[Name]> } {
  const { filter, once, fields, format, template, headerNames, retrySchedule } = row;
  return { filter, once: once && { per: once.per, days: once.days }, fields, format, template, headerNames, retrySchedule };
}
