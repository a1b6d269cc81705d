import { MAX_CONCURRENT } from '../../domain/webhook/webhook.ts';
import { Field, type Problems } from '../parts/field.tsx';
import type { WebhookFormValues } from '../webhook/webhook-input.ts';
import { t } from '../words/words.tsx';
import { Fold } from './fold.tsx';
import { Retries, retrySentence } from './retries.tsx';

const LIMITS = ['maxPerSecond', 'maxConcurrent'] as const;

interface PaceProps {
  values: WebhookFormValues;
  problems: Problems;
  /** The waits of the service's own schedule. */
  usualRetriesMs: readonly number[];
}

/** How often an endpoint is tried, and how fast. */
export function Pace({ values, problems, usualRetriesMs }: PaceProps) {
  const isLimited = LIMITS.some((name) => values[name] !== '');
  const isWrong = [...LIMITS, 'retrySchedule'].some((name) => problems.has(name));
  const said = t('pace.said', { retries: retrySentence(values.retries), limits: isLimited ? 'own' : 'none' });
  return (
    <Fold id="fold-pace" title={t('pace.title')} said={said} open={isLimited || isWrong || values.retries.choice !== 'usual'}>
      <Retries values={values.retries} problems={problems} usualMs={usualRetriesMs} />
      <Field name="maxPerSecond" label={t('pace.perSecond')} problem={problems.get('maxPerSecond')} hint={t('pace.perSecondHint')}>
        {(attributes) => <input {...attributes} class="short" type="number" min="1" max="1000" step="1" value={values.maxPerSecond} />}
      </Field>
      <Field name="maxConcurrent" label={t('pace.atOnce')} problem={problems.get('maxConcurrent')} hint={t('pace.atOnceHint')}>
        {(attributes) => (
          <input {...attributes} class="short" type="number" min="1" max={MAX_CONCURRENT} step="1" value={values.maxConcurrent} />
        )}
      </Field>
    </Fold>
  );
}
