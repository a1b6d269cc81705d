import { MAX_CONCURRENT } from '../../domain/webhook.ts';
import { Field, type Problems } from '../field.tsx';
import type { WebhookFormValues } from '../webhook-input.ts';
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
  const said = [retrySentence(values.retries), isLimited ? 'with limits of its own' : 'as fast as your endpoint takes them'];
  return (
    <Fold
      id="fold-pace"
      title="Retries and pace"
      said={`${said.join(', ')}.`}
      open={isLimited || isWrong || values.retries.choice !== 'usual'}
    >
      <Retries values={values.retries} problems={problems} usualMs={usualRetriesMs} />
      <Field
        name="maxPerSecond"
        label="Most deliveries a second (optional)"
        problem={problems.get('maxPerSecond')}
        hint="For an endpoint that can take only so many. What comes faster waits its turn."
      >
        {(attributes) => <input {...attributes} class="short" type="number" min="1" max="1000" step="1" value={values.maxPerSecond} />}
      </Field>
      <Field
        name="maxConcurrent"
        label="Most deliveries at a time (optional)"
        problem={problems.get('maxConcurrent')}
        hint="For an endpoint that can handle only a few at once. The next one goes out when an earlier one is answered. Test events, and retries that you start yourself, do not wait."
      >
        {(attributes) => (
          <input {...attributes} class="short" type="number" min="1" max={MAX_CONCURRENT} step="1" value={values.maxConcurrent} />
        )}
      </Field>
    </Fold>
  );
}
