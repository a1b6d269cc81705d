import type { Condition } from '../../domain/rules/condition.ts';
import { Problem, type Problems } from '../parts/field.tsx';
import { rich, t } from '../words/words.tsx';
import { EMPTY_ROW, isGroup, MAX_ROWS, type Match, type Row, type RowGroup, rowCount } from './condition-rows.ts';
import { conditionWords, OPERATOR_GROUPS } from './condition-words.ts';
import { FieldSelect } from './field-select.tsx';
import type { FilterValues } from './filter-values.ts';

interface FilterPartProps {
  values: FilterValues;
  offered: readonly string[];
  problems: Problems;
  /** The id of what has the focus, where a button of this part was pressed. */
  focus: string | null;
  /** The stored filter, where rows cannot say it: in words. */
  stored: Condition | null;
}

type WithoutValues = Omit<FilterPartProps, 'values' | 'stored'>;

/** The conditions of a webhook: rows that are filled in, or JSON. Its buttons post the form, which stands again with what they have changed. */
export function FilterPart({ values, stored, ...rest }: FilterPartProps) {
  return (
    <div class="filter" id="filter-part" data-stepped="">
      <input type="hidden" name="filterMode" value={values.mode} />
      {values.mode === 'json' ? <AsJson values={values} stored={stored} {...rest} /> : <AsRows values={values} {...rest} />}
    </div>
  );
}

function AsRows({ values, ...rest }: WithoutValues & { values: FilterValues }) {
  const { match, items } = values.rows;
  const shown = items.length === 0 ? [EMPTY_ROW] : items;
  const isFull = rowCount(values.rows) >= MAX_ROWS;
  return (
    <>
      <MatchSelect name="match" match={match} isShown={shown.length > 1} sentence="filter.onlyIf" />
      {shown.map((item, index) =>
        isGroup(item) ? (
          <Group group={item} index={index} isFull={isFull} {...rest} />
        ) : (
          <ConditionRow row={item} id={String(index)} {...rest} />
        ),
      )}
      <Problem name="filter" problem={rest.problems.get('filter')} />
      <div class="actions">
        {isFull ? (
          <span class="hint">{t('filter.full', { count: MAX_ROWS })}</span>
        ) : (
          <>
            <Step value="condition.add" id="add-condition" focus={rest.focus}>
              {t('filter.addCondition')}
            </Step>
            <Step value="group.add" id="add-group" focus={rest.focus}>
              {t('filter.addGroup')}
            </Step>
          </>
        )}
        <Step value="filter.json" id="filter-json" isPlain focus={rest.focus}>
          {t('filter.editJson')}
        </Step>
      </div>
    </>
  );
}

interface MatchSelectProps {
  name: 'match' | 'groupMatch';
  match: Match;
  /** Of a single condition it makes no difference. */
  isShown: boolean;
  /** The text that the choice stands in. */
  sentence: 'filter.onlyIf' | 'filter.ofGroup';
}

function MatchSelect({ name, match, isShown, sentence }: MatchSelectProps) {
  if (!isShown) return <input type="hidden" name={name} value={match} />;
  const choice = (
    <select name={name} aria-label={t('filter.match')}>
      <option value="all" selected={match === 'all'}>
        {t('filter.matchAll')}
      </option>
      <option value="any" selected={match === 'any'}>
        {t('filter.matchAny')}
      </option>
    </select>
  );
  return <p class="sentence">{rich(sentence, { match: choice })}</p>;
}

function Group({ group, index, isFull, ...rest }: WithoutValues & { group: RowGroup; index: number; isFull: boolean }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset of the form has a legend and a look of its own.
    <div class="condition-group" role="group" aria-label={t('filter.group', { number: index + 1 })}>
      <MatchSelect name="groupMatch" match={group.match} isShown sentence="filter.ofGroup" />
      {group.rows.map((row, at) => (
        <ConditionRow row={row} id={`${index}-${at}`} {...rest} />
      ))}
      <input type="hidden" name="groupEnd" value="" />
      <div class="actions">
        {!isFull && (
          <Step value={`condition.add.${index}`} id={`add-condition-${index}`} focus={rest.focus}>
            {t('filter.addHere')}
          </Step>
        )}
        <Step value={`group.remove.${index}`} id={`remove-group-${index}`} isPlain focus={rest.focus}>
          {t('filter.removeGroup')}
        </Step>
      </div>
    </div>
  );
}

function ConditionRow({ row, id, offered, problems, focus }: WithoutValues & { row: Row; id: string }) {
  const name = `condition-${id}`;
  const problem = problems.get(name);
  const number = id
    .split('-')
    .map((at) => Number(at) + 1)
    .join('.');
  const describedBy = problem === undefined ? undefined : `${name}-error`;
  const isFocused = focus === null ? problem !== undefined : focus === `${name}-field`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above.
    <div class={problem ? 'condition wrong' : 'condition'} id={name} role="group" aria-label={t('filter.condition', { number })}>
      <FieldSelect
        id={`${name}-field`}
        name="conditionField"
        otherName="conditionOther"
        label={t('filter.field')}
        value={row.field}
        offered={offered}
        none={t('filter.chooseField')}
        describedBy={describedBy}
        isWrong={problem !== undefined}
        focus={isFocused}
      />
      <select name="conditionOperator" aria-label={t('filter.comparison')} aria-describedby={describedBy}>
        {OPERATOR_GROUPS.map(([heading, operators]) => (
          <optgroup label={t(`operator.group.${heading}`)}>
            {operators.map((operator) => (
              <option value={operator} selected={operator === row.operator}>
                {t(`operator.${operator}`)}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
      <span class="value">
        <textarea
          name="conditionValue"
          rows={1}
          aria-label={t('filter.value')}
          aria-describedby={describedBy}
          autocomplete="off"
          spellcheck={false}
        >
          {row.value}
        </textarea>
        <span class="hint list-hint">{t('filter.listHint')}</span>
      </span>
      <button
        type="submit"
        name="step"
        value={`condition.remove.${id}`}
        class="plain"
        formnovalidate
        aria-label={t('filter.removeCondition', { number })}
      >
        {t('filter.remove')}
      </button>
      <Problem name={name} problem={problem} />
    </div>
  );
}

function AsJson({ values, stored, problems, focus }: WithoutValues & { values: FilterValues; stored: Condition | null }) {
  const problem = problems.get('filter');
  return (
    <>
      {stored && <p>{t('filter.storedAsJson', { condition: clipped(conditionWords(stored)) })}</p>}
      <div class={problem ? 'field wrong' : 'field'}>
        <label for="filterJson">{t('filter.asJson')}</label>
        <textarea
          id="filterJson"
          name="filterJson"
          class="code"
          rows={10}
          spellcheck={false}
          autocomplete="off"
          autofocus={problem !== undefined || focus === 'filterJson'}
          aria-invalid={problem ? 'true' : undefined}
          aria-describedby={problem ? 'filter-error' : undefined}
        >
          {values.json}
        </textarea>
        <Problem name="filter" problem={problem} />
      </div>
      <div class="actions">
        <Step value="filter.rows" id="filter-rows" isPlain focus={focus}>
          {t('filter.editRows')}
        </Step>
      </div>
    </>
  );
}

const SAID_LENGTH = 600;

/** A sentence that has no end is cut: the filter itself stands below it. */
function clipped(text: string): string {
  return text.length > SAID_LENGTH ? `${text.slice(0, SAID_LENGTH).toWellFormed()} …` : text;
}

interface StepProps {
  value: string;
  id: string;
  isPlain?: boolean;
  focus: string | null;
  children: string;
}

/** A button that changes the form and saves nothing. */
export function Step({ value, id, isPlain, focus, children }: StepProps) {
  return (
    <button type="submit" name="step" value={value} id={id} class={isPlain ? 'plain' : ''} autofocus={focus === id}>
      {children}
    </button>
  );
}
