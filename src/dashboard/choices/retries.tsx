import { parseDuration } from '../../domain/text/duration.ts';
import { Field, type Problems } from '../parts/field.tsx';
import { span } from '../parts/wording.ts';
import { list } from '../words/formats.ts';
import { t } from '../words/words.tsx';
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
  if (isPatient(schedule)) return t('retries.words.patient');
  const wholeMs = schedule.reduce((sum, wait) => sum + parseDuration(wait), 0);
  return t('retries.words.own', { count: schedule.length, span: span(wholeMs) });
}

/** What the form says of the choice, without opening it. */
export function retrySentence({ choice }: RetryValues): string {
  return t(`retries.said.${choice}`);
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
      <legend>{t('retries.title')}</legend>
      <Choice
        name="retries"
        value="usual"
        title={t('retries.usual')}
        hint={t('retries.usualHint', { waits: list(usualMs.map(span)) })}
        chosen={values.choice === 'usual'}
      />
      <Choice
        name="retries"
        value="patient"
        title={t('retries.patient')}
        hint={t('retries.patientHint', { waits: list(PATIENT.map((wait) => span(parseDuration(wait)))) })}
        chosen={values.choice === 'patient'}
      />
      <Choice name="retries" value="own" title={t('retries.own')} chosen={values.choice === 'own'}>
        <Field name="retrySchedule" label={t('retries.ownLabel')} problem={problems.get('retrySchedule')} hint={t('retries.ownHint')}>
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
