import type { Once } from '../../domain/rules/choices.ts';
import { MAX_ONCE_DAYS } from '../../domain/rules/choices.ts';
import { Problem, type Problems } from '../field.tsx';
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

/** Those that are offered first. */
const NAMES: Readonly<Record<string, string>> = {
  'visitor.email': 'person (e-mail)',
  'visitor.linkedin_url': 'person (LinkedIn)',
  'company.domain': 'company (website)',
  'company.name': 'company (name)',
};

const IN_SENTENCES: Readonly<Record<string, string>> = {
  'visitor.email': 'e-mail address',
  'visitor.linkedin_url': 'LinkedIn profile',
  'company.domain': 'company',
  'company.name': 'company name',
};

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
export function onceWords({ per, days }: Pick<Once, 'per'> & { days: number | string }): string {
  const name = Object.hasOwn(IN_SENTENCES, per) ? IN_SENTENCES[per] : fieldInSentence(per);
  return `each ${name} once in ${days === 1 || days === '1' ? 'a day' : `${days} days`}`;
}

export const ONCE_SENTENCES = {
  days: `Enter a whole number of days, from 1 to ${MAX_ONCE_DAYS}.`,
  per: 'Enter the path of a field, such as visitor.email.',
};

export function OncePart({ values, offered, problems }: { values: OnceValues; offered: readonly string[]; problems: Problems }) {
  const { isOn, per, days } = values;
  const problem = problems.get('once');
  const said = isOn ? `Sends ${onceWords({ per, days })}.` : 'Every visit is sent, also of the same person.';
  const describedBy = problem ? 'once-error once-hint' : 'once-hint';
  return (
    <Fold id="fold-once" title="Once per person" said={said} open={isOn || problem !== undefined}>
      <div class={problem ? 'sentence wrong' : 'sentence'} data-chooses="once">
        <input type="checkbox" name="once" id="once" value="on" checked={isOn} autofocus={problem !== undefined} />
        <label for="once">Send each</label>
        <FieldSelect
          id="oncePer"
          name="oncePer"
          otherName="onceOther"
          label="Whom or what"
          value={per}
          offered={[...new Set([...Object.keys(NAMES), ...offered])]}
          names={NAMES}
          describedBy={describedBy}
        />
        <span>only once in</span>
        <input
          type="number"
          name="onceDays"
          class="days"
          value={days}
          min="1"
          max={MAX_ONCE_DAYS}
          step="1"
          aria-label="Days"
          aria-describedby={describedBy}
        />
        <span>days</span>
      </div>
      <Problem name="once" problem={problem} />
      <p class="hint" id="once-hint">
        The first event goes out, and further ones of the same person do not until that time is over. Capital letters make no difference. An
        event without the field goes out.
      </p>
    </Fold>
  );
}
