import { MAX_FIELDS } from '../../domain/rules/choices.ts';
import { Field, Problem, type Problems } from '../parts/field.tsx';
import { t } from '../words/words.tsx';
import { fieldHeading, fieldName } from './field-words.ts';
import { Choice } from './fold.tsx';

/** Which fields of an event are sent. */
export interface FieldsValues {
  isAll: boolean;
  /** Paths; of no account while all are sent. */
  paths: readonly string[];
}

export const ALL_FIELDS: FieldsValues = { isAll: true, paths: [] };

export function fieldsOf(fields: readonly string[] | null): FieldsValues {
  return fields === null ? ALL_FIELDS : { isAll: false, paths: fields };
}

export function fieldsOfForm(form: URLSearchParams): FieldsValues {
  const others = (form.get('otherFields') ?? '').split(/[\n,]/).map((path) => path.trim());
  const paths = new Set([...form.getAll('fields'), ...others].filter((path) => path !== ''));
  return { isAll: form.get('fieldsChoice') !== 'some', paths: [...paths] };
}

/** @param stored those that the webhook has: where the same are chosen, they stay as they stand */
export function fieldsInput({ isAll, paths }: FieldsValues, stored: readonly string[] | null = null): string[] | null {
  if (isAll) return null;
  const isSame = stored?.length === paths.length && stored.every((path) => paths.includes(path));
  return [...(isSame ? stored : paths)];
}

/** “only 3 of its fields” */
export function fieldsWords(paths: readonly string[]): string {
  return t('fields.only', { count: paths.length });
}

export function Fields({ values, offered, problems }: { values: FieldsValues; offered: readonly string[]; problems: Problems }) {
  const problem = problems.get('fields');
  const headings = Map.groupBy(offered, fieldHeading);
  const others = values.paths.filter((path) => !offered.includes(path));
  return (
    <fieldset class={problem ? 'wrong' : undefined} id="fields-part" data-stepped="">
      <legend>{t('fields.title')}</legend>
      <Choice name="fieldsChoice" value="all" title={t('fields.all')} chosen={values.isAll} />
      <Choice name="fieldsChoice" value="some" title={t('fields.some')} hint={t('fields.someHint')} chosen={!values.isAll}>
        <Problem name="fields" problem={problem} />
        {[...headings].map(([heading, paths]) => (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset of the form has a legend and a look of its own.
          <div class="field-boxes" role="group" aria-label={heading}>
            <span class="hint">{heading}</span>
            {paths.map((path) => (
              <span class="box">
                <input type="checkbox" name="fields" value={path} id={`field-${path}`} checked={values.paths.includes(path)} />
                <label for={`field-${path}`}>{fieldName(path)}</label>
              </span>
            ))}
          </div>
        ))}
        <Field name="otherFields" label={t('fields.others')} hint={t('fields.othersHint', { count: MAX_FIELDS })}>
          {(attributes) => (
            <textarea {...attributes} class="code" rows={2} placeholder="company.address.city" spellcheck={false} autocomplete="off">
              {others.join('\n')}
            </textarea>
          )}
        </Field>
      </Choice>
    </fieldset>
  );
}
