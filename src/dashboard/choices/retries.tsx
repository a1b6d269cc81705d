import { parseDuration } from '../../domain/duration.ts';
import { Field, type Problems } from '../field.tsx';
import { counted, span } from '../wording.ts';
import { Choice } from './fold.tsx';

/** The waits of the choice “patient”: together a little less than 3 days, the longest that a delivery waits by itself. */
export const PATIENT: readonly string[] = ['1m', '5m', '30m', '2h', '6h', '12h', '24h', '24h'];

/** `usual`: the service's own. */
export const RETRY_CHOICES = ['usual', 'patient', 'own'] as const;

export interface RetryValues {
  choice: (typeof RETRY_CHOICES)[number];
  /** The waits, with commas between them. */
  own: string;
}

export const USUAL_RETRIES: RetryValues = { choice: 'usual', own: '' };

export function retriesOf(schedule: readonly string[] | null): RetryValues {
  if (schedule === null) return USUAL_RETRIES;
  return isPatient(schedule) ? { choice: 'patient', own: '' } : { choice: 'own', own: schedule.join(', ') };
}

export function retriesOfForm(form: URLSearchParams): RetryValues {
  return { choice: RETRY_CHOICES.find((choice) => choice === form.get('retries')) ?? 'usual', own: form.get('retrySchedule') ?? '' };
}

export function retriesInput({ choice, own }: RetryValues): string[] | null {
  if (choice === 'usual') return null;
  return choice === 'patient' ? [...PATIENT] : own.split(/[\s,;]+/).filter((wait) => wait !== '');
}

function isPatient(schedule: readonly string[]): boolean {
  return schedule.join() === PATIENT.join();
}

/** “retried for up to 3 days”, “retried 4 times within 2 h 5 min” */
export function retryWords(schedule: readonly string[]): string {
  if (isPatient(schedule)) return 'retried for up to 3 days';
  const wholeMs = schedule.reduce((sum, wait) => sum + parseDuration(wait), 0);
  return `retried ${counted(schedule.length, 'time', 'times')} within ${span(wholeMs)}`;
}

/** What the form says of the choice, without opening it. */
export function retrySentence({ choice }: RetryValues): string {
  if (choice === 'own') return 'Retried by a schedule of your own';
  return choice === 'patient' ? 'Retried for up to 3 days' : 'Retried as documented';
}

interface RetriesProps {
  values: RetryValues;
  problems: Problems;
  /** The waits of the service's own schedule. */
  usualMs: readonly number[];
}

export function Retries({ values, problems, usualMs }: RetriesProps) {
  return (
    <fieldset>
      <legend>Retries, when your endpoint does not answer</legend>
      <Choice
        name="retries"
        value="usual"
        title="As documented"
        hint={`Again after ${usualMs.map(span).join(', ')}.`}
        chosen={values.choice === 'usual'}
      />
      <Choice
        name="retries"
        value="patient"
        title="Patient: up to 3 days"
        hint={`Again after ${PATIENT.map((wait) => span(parseDuration(wait))).join(', ')}: for an endpoint that can be down over a weekend.`}
        chosen={values.choice === 'patient'}
      />
      <Choice name="retries" value="own" title="Own" chosen={values.choice === 'own'}>
        <Field
          name="retrySchedule"
          label="The waits between attempts"
          problem={problems.get('retrySchedule')}
          hint="1 to 12 times such as 30s, 10m or 24h, together at most 7 days."
        >
          {(attributes) => (
            <input
              {...attributes}
              type="text"
              value={values.own}
              maxlength={200}
              placeholder="1m, 10m, 1h, 24h"
              autocomplete="off"
              spellcheck={false}
            />
          )}
        </Field>
      </Choice>
    </fieldset>
  );
}
