import { t } from '../words/words.tsx';

/** A text to take along. Its button comes with the script; without it the text is selected whole by a click. */
export function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <span class="copyable">
      <code class="select-all">{text}</code>
      <CopyButton text={text} label={t('copy.named', { what: label })} />
    </span>
  );
}

/** Copies a text; hidden where there is no script that could. */
export function CopyButton({ text, label, children }: { text: string; label?: string; children?: string }) {
  return (
    <button type="button" class="copy" data-copy={text} aria-label={label} hidden>
      {children ?? t('copy.copy')}
    </button>
  );
}
