import type { Once } from '../../domain/rules/choices.ts';
import { MAX_ONCE_DAYS } from '../../domain/rules/choices.ts';
import { Problem, type Problems } from '../parts/field.tsx';
import { rich, t } from '../words/words.tsx';
import { ANOTHER } from './condition-rows.ts';
import { FieldSelect } from './field-select.tsx';
import { fieldInSentence } from './field-words.ts';
import { Fold } from './fold.tsx';

/** Of whom, or of what, only the first event goes out. */
export interface OnceValues {
  isOn: boolean;
  per: string;
  days: string;
}

export const EVERY_TIME: OnceValues = { isOn: false, per: 'visitor.email', days: '30' };

/** Those that are offered first, with a word of their own. */
const PERSONS = ['visitor.email', 'visitor.linkedin_url', 'company.domain', 'company.name'] as const;

export function onceOf(once: Once | null): OnceValues {
  return once === null ? EVERY_TIME : { isOn: true, per: once.per, days: String(once.days) };
}

export function onceOfForm(form: URLSearchParams): OnceValues {
  const per = form.get('oncePer') ?? EVERY_TIME.per;
  return {
    isOn: form.has('once'),
    per: per === ANOTHER ? form.get('onceOther')?.trim() || ANOTHER : per,
    days: form.get('onceDays')?.trim() ?? EVERY_TIME.days,
  };
}

/** As the API takes it. What is no number is left for it to refuse. */
export function onceInput({ isOn, per, days }: OnceValues): Once | null {
  return isOn ? { per, days: days === '' ? Number.NaN : Number(days) } : null;
}

/** “each e-mail address once in 30 days” */
export function onceWords({ per, days: typed }: Pick<Once, 'per'> & { days: number | string }): string {
  const days = Number(typed) || 0;
  const known = PERSONS.find((path) => path === per);
  return known === undefined ? t('once.eachOther', { field: fieldInSentence(per), days }) : t(`once.each.${known}`, { days });
}

export function OncePart({ values, offered, problems }: { values: OnceValues; offered: readonly string[]; problems: Problems }) {
  const { isOn, per, days } = values;
  const problem = problems.get('once');
  const said = isOn ? t('once.said', { what: onceWords({ per, days }) }) : t('once.everyTime');
  const describedBy = problem ? 'once-error once-hint' : 'once-hint';
  const field = (
    <FieldSelect
      id="oncePer"
      name="oncePer"
      otherName="onceOther"
      label={t('once.whom')}
      value={per}
      offered={[...new Set([...PERSONS, ...offered])]}
      names={Object.fromEntries(PERSONS.map((path) => [path, t(`once.name.${path}`)]))}
      describedBy={describedBy}
    />
  );
  const daysField = (
    <input
      type="number"
      name="onceDays"
      class="days"
      value={days}
      min="1"
      max={MAX_ONCE_DAYS}
      step="1"
      aria-label={t('once.days')}
      aria-describedby={describedBy}
    />
  );
  return (
    <Fold id="fold-once" title={t('once.title')} said={said} open={isOn || problem !== undefined}>
      <div class={problem ? 'sentence wrong' : 'sentence'} data-chooses="once">
        <input type="checkbox" name="once" id="once" value="on" checked={isOn} autofocus={problem !== undefined} />
        {rich('once.sentence', { box: (inner) => <label for="once">{inner}</label>, field, days: daysField })}
      </div>
      <Problem name="once" problem={problem} />
      <p class="hint" id="once-hint">
        {t('once.hint')}
      </p>
    </Fold>
  );
}
