import type { Child } from 'hono/jsx';

interface FoldProps {
  id: string;
  title: string;
  /** What is set, in a sentence: read without opening it. */
  said: string;
  open: boolean;
  children?: Child;
}

/** A part of the form that most people do not need: folded, with a sentence of what is set. */
export function Fold({ id, title, said, open, children }: FoldProps) {
  return (
    <details class="fold" id={id} open={open}>
      <summary>
        <strong>{title}</strong>
        <span class="hint" id={`${id}-said`} data-follows="">
          {said}
        </span>
      </summary>
      <div class="fold-body">{children}</div>
    </details>
  );
}

interface ChoiceProps {
  name: string;
  value: string;
  title: string;
  hint?: Child;
  chosen: boolean;
  children?: Child;
}

/** One of several that exclude each other. What stands in it is for this choice alone. */
export function Choice({ name, value, title, hint, chosen, children }: ChoiceProps) {
  const id = `${name}-${value}`;
  return (
    <div class="option">
      <input
        type="radio"
        name={name}
        value={value}
        id={id}
        checked={chosen}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      />
      <div data-chooses={children === undefined ? undefined : id}>
        <label for={id}>{title}</label>
        {hint !== undefined && (
          <p class="hint" id={`${id}-hint`}>
            {hint}
          </p>
        )}
        {children}
      </div>
    </div>
  );
}
