import { expect, it } from 'vitest';
import { redeliveryDelaySeconds } from '../../../src/domain/delivery/redelivery.ts';
import { parseDuration, parseDurations } from '../../../src/domain/text/duration.ts';
import { PER_MILLION } from '../../cost/prices.ts';
import { QUEUE_BYTES, QUEUE_CONSUMERS, QUEUE_MESSAGES } from '../../simulation/scale/limits.ts';
import { MESSAGE_BYTES } from '../../simulation/scale/report.ts';
import { ONE_BY_ONE } from '../../simulation/scale/scenario.ts';
import { configured, configuredNumber, constantOf, type DocumentName, numbersIn, piecesOf, read } from './operators-documents.ts';

/*
 * Numbers of the operators' documents, beside those of the source: a limit that changes here changes there. What a number does is shown by the tests
 * of the part that has it (sections.test.ts says which).
 */

/** What a row, an item or a paragraph that has these words says, in its own units. */
type Claim = readonly [words: string, ...numbers: number[]];

const limit = (name: string) => constantOf('src/api/access/rate-limit.ts', name);
const retention = (name: string) => constantOf('src/outbox/log/retention.ts', name);
const circuit = (name: string) => constantOf('src/domain/endpoint/circuit.ts', name);
const pace = (name: string) => constantOf('src/domain/endpoint/endpoint-pace.ts', name);
const sweep = (name: string) => constantOf('src/upkeep/sweep.ts', name);
const session = (name: string) => constantOf('src/domain/access/dashboard-session.ts', name);
const apiKey = (name: string) => constantOf('src/domain/access/api-key.ts', name);
const auth = (name: string) => constantOf('src/api/access/auth.ts', name);
const usage = (name: string) => constantOf('src/domain/usage.ts', name);

const [SECOND, MINUTE, HOUR, DAY, MB, GB] = [1_000, 60_000, 3_600_000, 86_400_000, 1_000_000, 1_000_000_000];
const [eventConsumer, deadLetterConsumer] = [0, 1];
/** For how long the queue brings a message again, in hours: how often, and after which waits. */
const REDELIVERED_HOURS = Math.round(
  Array.from({ length: configuredNumber('max_retries') }, (_, at) => redeliveryDelaySeconds(at + 1)).reduce((sum, each) => sum + each, 0) /
    3_600,
);
const parked = constantOf('src/consumer/parking.ts', 'MAX_PARKED');
const held = (name: string) => parseDuration(configured(name)[0] ?? '');
const [firstProbe = 0, longestProbe = 0] = parseDurations(configured('CIRCUIT_PROBE')[0] ?? '');
const probes = [firstProbe / SECOND, longestProbe / MINUTE] as const;
const threshold = configuredNumber('CIRCUIT_THRESHOLD');
const disableDays = held('DISABLE_AFTER') / DAY;
const expiryDays = constantOf('src/domain/delivery/lifecycle.ts', 'MAX_WAIT_MS') / DAY;
const mostWaiting = constantOf('src/outbox/books/admission.ts', 'MAX_WAITING');
const consumers = configuredNumber('max_concurrency');
const resealed = constantOf('src/upkeep/resealing.ts', 'MAX_RESEALED');
const inForceSeconds = constantOf('src/api/events/wanted-events.ts', 'MAX_AGE_SECONDS');
const tellSeconds = constantOf('src/telling.ts', 'TELL_AFTER_MS') / SECOND;
const webhooks = constantOf('src/domain/webhook/webhook.ts', 'MAX_WEBHOOKS');
const secretLength = constantOf('src/domain/access/deployment-secret.ts', 'MIN_SECRET_LENGTH');
const guessesAMinute = Number(/FAILED_KEYS[\s\S]*?limit = (\d+)/.exec(read('wrangler.toml'))?.[1]);
const guessesRefused = constantOf('src/api/access/guesses.ts', 'REFUSED_MS') / SECOND;
const faultRuns = Number(/FAULT_RUNS \?\? (\d+)/.exec(read('vitest.config.ts'))?.[1]);
const moreFaultRuns = Number(/FAULT_RUNS=(\d+)/.exec(read('package.json'))?.[1]);
const operatorHours = constantOf('src/operator/session.ts', 'OPERATOR_SESSION_MS') / HOUR;
const eraseAgainMinutes = sweep('ERASE_AGAIN_AFTER_MS') / MINUTE;
const deliverSeconds = constantOf('src/consumer/consumer.ts', 'DELIVER_TIMEOUT_MS') / SECOND;
const afterFaultSeconds = constantOf('src/outbox/dispatcher.ts', 'AFTER_FAULT_MS') / SECOND;
const perSecond = (events: number) => QUEUE_BYTES / (events * MESSAGE_BYTES[ONE_BY_ONE]);

const CLAIMS: Partial<Record<DocumentName | 'src/docs/webhooks/limits.md', readonly Claim[]>> = {
  'docs/deploying.md': [
    ['random characters. A deploy', secretLength],
    ['Busy objects keep their code', configuredNumber('max_delay')],
    ['the cron encrypts the stored secrets again', resealed],
    ['but they expire after', expiryDays],
    ['when the redeliveries of an outage', REDELIVERED_HOURS],
    ['A queue holds', QUEUE_BYTES / GB, Math.round(perSecond(5_000) / 60), Math.floor(perSecond(1) / (4 * 86_400) / 5) * 5],
  ],
  'docs/operating.md': [
    ['You are signed out after', operatorHours],
    ['the Meter, in one call', tellSeconds],
    ['is parked in the database if', configuredNumber('max_retries'), REDELIVERED_HOURS],
    ['are kept. Beyond that a message stays', parked],
    ['the cron erases what deliveries that were under way', eraseAgainMinutes],
    ['one more for each log event', constantOf('src/meter/meter.ts', 'MAX_FAULT_TOTALS')],
  ],
  'docs/settings.md': [
    ['messages are redelivered for about', REDELIVERED_HOURS],
    ['`DELIVERY_TIMEOUT`', held('DELIVERY_TIMEOUT') / SECOND],
    ['`CIRCUIT_THRESHOLD`', circuit('OPEN_AFTER_DELIVERIES')],
    ['`EVENT_QUEUES`', constantOf('src/settings.ts', 'MAX_EVENT_QUEUES')],
    ['`MAX_CONCURRENCY`', constantOf('src/domain/webhook/webhook.ts', 'MAX_CONCURRENT')],
    ['| `PLATFORM_API_KEY`', secretLength],
    ['| `MASTER_KEY`', secretLength],
  ],
  'docs/runbook.md': [
    ['| `message.redelivered`', REDELIVERED_HOURS],
    ['| `parking.full`', parked],
    ['| `outbox.not_delivered_to`', deliverSeconds],
    ['| `outbox.faulted`', afterFaultSeconds],
    ['| `outbox.use_not_counted`', constantOf('src/outbox/reports/untold-use.ts', 'COUNT_MS') / MINUTE],
    ['`usage.quota_near`', constantOf('src/domain/quota.ts', 'NEAR_QUOTA') * 100],
    ['| `dashboard.usage_unknown`', constantOf('src/dashboard/usage/quota-notice.tsx', 'TODAY_TIMEOUT_MS') / SECOND],
    ['`api.outboxes_not_told`', inForceSeconds],
    ['| `api.key_guesses_refused`', guessesRefused],
    ['| `service.insecure_deployment`', secretLength],
    ['| `operator.session_not_ended`', operatorHours],
    ['fails only after its timeout', held('DELIVERY_TIMEOUT') / SECOND],
    ['Its organization has been notified', expiryDays, threshold, ...probes, disableDays],
    ['The API and the dashboard refuse changes', auth('ORGANIZATION_KNOWN_MS') / MINUTE],
    ['Cloudflare starts more consumers', consumers, redeliveryDelaySeconds(1), redeliveryDelaySeconds(100) / 60],
    ['it is kept in D1', parked],
    ['is normal for its first', constantOf('src/domain/service/verdict.ts', 'FIRST_CRON_MINUTES')],
    [
      'They run out after',
      REDELIVERED_HOURS,
      (configuredNumber('max_retries', eventConsumer) * configuredNumber('retry_delay', eventConsumer)) / 60,
    ],
    ['waited for 3 days expires', expiryDays],
    [
      'cannot know what is usual',
      constantOf('src/domain/service/floods.ts', 'KNOWN_BEFORE') + constantOf('src/domain/service/facts.ts', 'LATE_MINUTES'),
    ],
    ['Beyond a million waiting deliveries', mostWaiting],
    ['a webhook makes at most', configuredNumber('MAX_CONCURRENCY'), threshold, ...probes, disableDays],
    ['The cron reseals', resealed],
  ],
  'docs/scaling.md': [
    ['**The queue** takes', QUEUE_MESSAGES, QUEUE_BYTES / GB],
    ['**Consumers.** A queue runs', QUEUE_CONSUMERS],
    ['configuration is more than', constantOf('src/consumer/configuration-cache.ts', 'MAX_AGE_MS') / SECOND],
    [
      'batches wait up to',
      constantOf('src/consumer/configuration-cache.ts', 'READ_TIMEOUT_MS') / SECOND,
      constantOf('src/api/events/unwanted-events.ts', 'ASK_TIMEOUT_MS') / SECOND,
    ],
    ["**A webhook's log** has", retention('MAX_BYTES') / GB],
    [
      'The cron asks each outbox once a day',
      Math.round(100_000 / sweep('TURNS') / 10) * 10,
      sweep('MAX_OUTBOXES'),
      Math.round(100_000 / sweep('MAX_OUTBOXES')),
    ],
    [
      'attempts at a time are 500 events a second',
      configuredNumber('MAX_CONCURRENCY'),
      configuredNumber('MAX_CONCURRENCY') / 0.2,
      mostWaiting,
    ],
  ],
  'docs/export-import.md': [
    ['An import has at most', constantOf('src/transfer/lines.ts', 'MAX_IMPORT_BYTES') / MB],
    ['The impossible is refused', webhooks + 1],
  ],
  'docs/faults-and-recovery.md': [
    ['Producers get 503 when the queue', constantOf('src/api/events/events.ts', 'QUEUE_TIMEOUT_MS') / SECOND],
    ['Its messages come again after', redeliveryDelaySeconds(1), redeliveryDelaySeconds(100) / 60],
    ['each with a seed', faultRuns, moreFaultRuns],
    ['**The circuit** opens', circuit('OPEN_AFTER_DELIVERIES')],
    ['**The pace.**', pace('FIRST_LIMIT'), configuredNumber('MAX_CONCURRENCY'), pace('SOON_MS') / SECOND],
    ['**Expiry.**', expiryDays],
    ['**Disabling.**', disableDays],
    ['**Retention.**', configuredNumber('RETENTION_DAYS'), retention('MAX_BYTES') / GB, (retention('MAX_BYTES') * retention('ROOM')) / GB],
    ['**A full outbox.**', mostWaiting, constantOf('src/outbox/books/admission.ts', 'FULL_BYTES') / GB],
  ],
  'docs/usage.md': [
    ['An answer has', usage('DEFAULT_USAGE_DAYS'), usage('USAGE_DAYS')],
    ['**A parked event** counts nowhere', usage('LONGEST_WAIT_MS') / DAY, usage('SLACK_DAYS')],
    ["**An organization's usage is exact.**", constantOf('src/outbox/log/usage.ts', 'COUNT_MS') / SECOND],
    ['(table `usage`)', usage('USAGE_DAYS')],
    ['`completeThrough`', constantOf('src/usage/reading.ts', 'MAX_ASKED'), constantOf('src/usage/reading.ts', 'ASK_WITHIN_MS') / SECOND],
    ['(`outbox.use_not_counted`)', constantOf('src/outbox/reports/untold-use.ts', 'COUNT_MS') / MINUTE],
    ['about ten rows a day', (10 * 100_000 * PER_MILLION.d1RowsWritten) / MB],
    ['| `webhooks` |', 0, webhooks],
    ['| `eventsPerDay` |', 1, 1_000_000_000, constantOf('src/domain/quota.ts', 'NEAR_QUOTA') * 100],
    ['| `keptDays` |', retention('SWEEP_EVERY_MS') / HOUR],
  ],
  'docs/limits.md': [
    ['mails that ask an address', limit('CONFIRMATIONS_A_DAY'), limit('CONFIRMATIONS_OF_ONE'), limit('CONFIRMATION_AGAIN_MS') / MINUTE],
    ['trial alerts', limit('TRIALS_AN_HOUR')],
    ['| sign-ins to the dashboard', limit('SIGN_INS_OF_KEY'), limit('SIGN_INS')],
    ['| requests of dashboard sessions', limit('REQUESTS_OF_SESSION'), limit('REQUESTS_OF_KEY'), limit('REQUESTS_OF_SESSIONS')],
    ['| dashboard sessions |', session('MAX_SESSIONS')],
    ['`src/api/access/guesses.ts`', guessesAMinute, guessesRefused],
    ['| active keys', apiKey('MAX_ACTIVE_KEYS')],
    ['| listed keys', apiKey('MAX_ENDED_KEYS'), apiKey('ENDED_KEY_RETENTION_MS') / DAY],
    [
      '`src/api/events/own-event.ts`',
      constantOf('src/domain/event/event.ts', 'MAX_EVENT_BYTES') + constantOf('src/api/body.ts', 'MAX_CONFIG_BODY_BYTES'),
      constantOf('src/api/body.ts', 'MAX_DEPTH'),
    ],
    [
      '| a JSON Schema',
      constantOf('src/domain/event/event-schema.ts', 'MAX_APPLIED'),
      constantOf('src/domain/json-schema/pattern.ts', 'MAX_PATTERN_LENGTH'),
      constantOf('src/domain/event/event-schema.ts', 'MAX_UNIQUE_ITEMS'),
    ],
    [
      '`src/attempt/attempt.ts`',
      constantOf('src/attempt/attempt.ts', 'BODY_TIMEOUT_MS') / SECOND,
      constantOf('src/attempt/attempt.ts', 'ACKNOWLEDGED_BODY_TIMEOUT_MS'),
    ],
    [
      '| a form of the dashboard',
      constantOf('src/dashboard/parts/form.ts', 'MAX_FORM_BYTES') / 1_000,
      constantOf('src/dashboard/choices/condition-rows.ts', 'MAX_ROWS'),
    ],
    ['`src/outbox/log/statistics.ts`', constantOf('src/outbox/log/statistics.ts', 'COUNT_MS') / SECOND],
    [
      '`src/outbox/bulk/jobs.ts`',
      constantOf('src/outbox/bulk/jobs.ts', 'MAX_UNFINISHED'),
      constantOf('src/outbox/bulk/jobs.ts', 'MAX_KEPT'),
    ],
    [
      '`src/outbox/bulk/kept-erasures.ts`',
      constantOf('src/api/account/erasures.ts', 'MAX_UNDER_WAY'),
      constantOf('src/outbox/bulk/kept-erasures.ts', 'KEPT_MS') / DAY,
    ],
    ['`src/consumer/parking.ts`', parked],
    ['`src/outbox/books/admission.ts`', constantOf('src/outbox/books/admission.ts', 'FULL_BYTES') / GB],
    ['`src/outbox/log/retention.ts`', retention('MAX_BYTES') / GB],
    ['Queues: 128 KB a message', constantOf('src/domain/event/event.ts', 'MAX_EVENT_BYTES')],
    [
      'Queues: 100 messages',
      constantOf('src/domain/event/event.ts', 'MAX_EVENTS'),
      constantOf('src/domain/event/event.ts', 'MAX_EVENTS_BYTES'),
    ],
    ['Queues: 25 GB', QUEUE_BYTES / GB],
  ],
  // The customers' page, which has those that operators ask for as well.
  'src/docs/webhooks/limits.md': [
    ['| webhooks of an organization', webhooks],
    ['| deliveries that wait for one webhook', mostWaiting],
    ['| how long a delivery waits', expiryDays],
  ],
  'docs/measurements.md': [['compressed bundle', constantOf('src/commands/check/bundle-size.ts', 'MAX_GZIP_KIB')]],
  'README.md': [
    [
      'attempts are made automatically',
      1 + parseDurations(configured('RETRY_SCHEDULE')[0] ?? '').length,
      ...parseDurations(configured('RETRY_SCHEDULE')[0] ?? '').map((ms) => ms / MINUTE),
    ],
    ['keeps every attempt for', configuredNumber('RETENTION_DAYS')],
  ],
  'SECURITY.md': [
    ['A key opens what its scopes say', inForceSeconds, auth('ORGANIZATION_KNOWN_MS') / MINUTE],
    ['Guessing slows', guessesAMinute],
    ['the development values and anything shorter', secretLength],
    ['An endpoint harms nobody else', deliverSeconds],
    ["**Somebody at an operator's browser**", operatorHours],
    ['that cannot be counted', limit('TIMEOUT_MS') / SECOND],
  ],
};

const all = Object.entries(CLAIMS).flatMap(([document, claims]) => claims.map(([words, ...numbers]) => ({ document, words, numbers })));

it.each(all)('$document says “$words”: $numbers', ({ document, words, numbers }) => {
  const pieces = piecesOf(document).filter((piece) => piece.includes(words));
  expect(pieces, 'nothing there has these words any more: give this claim the new ones').not.toEqual([]);
  expect(pieces.map((piece) => numbers.filter((number) => !numbersIn(piece).includes(number)))).toContainEqual([]);
});

it('a message is lost by no crash of the Worker before its queue drops it: 4 days (Queues)', () => {
  const [retries, delay] = [configuredNumber('max_retries', deadLetterConsumer), configuredNumber('retry_delay', deadLetterConsumer)];
  expect(retries * delay).toBeGreaterThan(4 * 86_400);
  expect(configured('dead_letter_queue')).toEqual(['bullseye-events-dead']);
});

it('the numbers of a sentence are found, in words as well', () => {
  expect(numbersIn('At most 5,000 are kept for four days, or 7.6 GB; half a second, one each.')).toEqual([5_000, 7.6, 4, 0.5]);
  expect(constantOf('x', 'A_MS', 'const A_MS = 3 * HOUR_MS;\nconst HOUR_MS = 3_600_000;')).toBe(10_800_000);
  expect(() => constantOf('x', 'B', 'const A = 1;')).toThrow('no number B');
});
