import type { Child } from 'hono/jsx';

/** What is wrong with a form, by the name of the field. */
export type Problems = ReadonlyMap<string, string>;

interface FieldProps {
  name: string;
  label: string;
  hint?: Child;
  problem?: string;
  /** The input; it is given what ties it to its hint and its error. */
  children(attributes: InputAttributes): Child;
}

type InputAttributes = Record<string, string | boolean | undefined>;

/** An input with its label, its hint, and what is wrong with it beside it. */
export function Field({ name, label, hint, problem, children }: FieldProps) {
  return (
    <div class={problem ? 'field wrong' : 'field'}>
      <label for={name}>{label}</label>
      {children({ id: name, name, ...describedBy(name, hint !== undefined, problem) })}
      <Problem name={name} problem={problem} />
      {hint !== undefined && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function Problem({ name, problem }: { name: string; problem?: string }) {
  if (problem === undefined) return null;
  return (
    <p class="error" id={`${name}-error`}>
      {problem}
    </p>
  );
}

/** A field that is wrong asks for the focus: of several the browser takes the first. */
function describedBy(name: string, hasHint: boolean, problem: string | undefined): InputAttributes {
  const ids = [problem && `${name}-error`, hasHint && `${name}-hint`].filter(Boolean).join(' ');
  return { 'aria-invalid': problem ? 'true' : undefined, 'aria-describedby': ids || undefined, autofocus: Boolean(problem) };
}
