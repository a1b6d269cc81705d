/** Where a key is typed that signs in. @param error what is wrong with the one that was sent */
export function KeyField({
  label,
  hint,
  error,
  autofocus,
}: {
  label: string;
  hint: string;
  error?: string | undefined;
  autofocus?: boolean;
}) {
  return (
    <div class="field">
      <label for="key">{label}</label>
      <input
        id="key"
        name="key"
        type="password"
        autocomplete="off"
        spellcheck={false}
        required
        maxlength={200}
        autofocus={autofocus}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={error ? 'key-error key-hint' : 'key-hint'}
      />
      {error && (
        <p class="error" id="key-error">
          {error}
        </p>
      )}
      <p class="hint" id="key-hint">
        {hint}
      </p>
    </div>
  );
}
