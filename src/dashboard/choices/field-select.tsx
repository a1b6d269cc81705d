import { t } from '../words/words.tsx';
import { ANOTHER } from './condition-rows.ts';
import { fieldHeading, fieldName } from './field-words.ts';

interface FieldSelectProps {
  id: string;
  /** The select posts the path, or ANOTHER: then the path is in the other field. */
  name: string;
  otherName: string;
  /** What is asked for. */
  label: string;
  value: string;
  offered: readonly string[];
  /** Said of fields in place of their names. */
  names?: Readonly<Record<string, string>>;
  /** Said where none is chosen; absent: one always is. */
  none?: string;
  describedBy?: string;
  isWrong?: boolean;
  focus?: boolean;
}

/** A field of the event: one of those that are known, by name, or another one, by its path. */
export function FieldSelect(props: FieldSelectProps) {
  const { id, name, otherName, label, value, offered, names = {}, none, describedBy, isWrong, focus } = props;
  const isOther = value !== '' && !offered.includes(value);
  const headings = Map.groupBy(offered, fieldHeading);
  const marks = { 'aria-describedby': describedBy, 'aria-invalid': isWrong ? 'true' : undefined } as const;
  return (
    <span class="field-select">
      <select id={id} name={name} aria-label={label} autofocus={focus} {...marks}>
        {none !== undefined && (
          <option value="" selected={value === ''}>
            {none}
          </option>
        )}
        {[...headings].map(([heading, paths]) => (
          <optgroup label={heading}>
            {paths.map((path) => (
              <option value={path} selected={path === value}>
                {names[path] ?? fieldName(path)}
              </option>
            ))}
          </optgroup>
        ))}
        <option value={ANOTHER} selected={isOther}>
          {t('fieldSelect.another')}
        </option>
      </select>
      <input
        class="other"
        type="text"
        name={otherName}
        value={isOther && value !== ANOTHER ? value : ''}
        aria-label={t('fieldSelect.path', { label })}
        placeholder="visitor.email"
        maxlength={256}
        autocomplete="off"
        spellcheck={false}
        {...marks}
      />
    </span>
  );
}
