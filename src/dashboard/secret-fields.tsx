import { Problem } from './field.tsx';
import type { SecretChoice, WebhookFormValues } from './webhook-input.ts';

interface SecretFieldsProps {
  values: WebhookFormValues;
  problem: string | undefined;
  /** Of a webhook that is there already; null: it is a new one. */
  existing: { hasSecret: boolean } | null;
}

const SECRET_OPTIONS: Record<SecretChoice, readonly [title: string, description: string]> = {
  keep: ['Leave as it is', ''],
  generate: ['Make one for me', 'A strong one. You see it after saving.'],
  own: ['Use my own', ''],
  none: ['No secret', 'Deliveries are not signed. Anybody who knows the URL could send your endpoint something that looks like ours.'],
};

/** What becomes of the secret that signs deliveries. */
export function SecretFields({ values, problem, existing }: SecretFieldsProps) {
  const choices: readonly SecretChoice[] = existing ? ['keep', 'own', 'none'] : ['generate', 'own', 'none'];
  const kept = existing?.hasSecret ? 'Deliveries are signed with the secret there is.' : 'Deliveries are not signed.';
  return (
    <fieldset class={problem ? 'wrong secret' : 'secret'}>
      <legend>Signing secret</legend>
      <p class="hint">
        We sign each delivery with it, so that your endpoint can tell that it is from us. Not every tool can: it does no harm there.
      </p>
      {choices.map((choice) => {
        const [title, description] = SECRET_OPTIONS[choice];
        return (
          <div class="option">
            <input type="radio" name="secretChoice" value={choice} id={`secret-${choice}`} checked={values.secretChoice === choice} />
            <div>
              <label for={`secret-${choice}`}>{title}</label>
              {choice !== 'own' && <p class="hint">{choice === 'keep' ? kept : description}</p>}
              {choice === 'own' && <OwnSecret values={values} problem={problem} replaces={existing?.hasSecret ?? false} />}
            </div>
          </div>
        );
      })}
    </fieldset>
  );
}

function OwnSecret({ values, problem, replaces }: { values: WebhookFormValues; problem: string | undefined; replaces: boolean }) {
  return (
    <div class="own-secret">
      <label class="visually-hidden" for="secret">
        Your own secret
      </label>
      <input
        id="secret"
        name="secret"
        type="text"
        value={values.secret}
        maxlength={256}
        autocomplete="off"
        spellcheck={false}
        autofocus={problem !== undefined}
        data-strength="secret-strength"
        aria-invalid={problem ? 'true' : undefined}
        aria-describedby={problem ? 'secret-error secret-hint' : 'secret-hint'}
      />
      <Problem name="secret" problem={problem} />
      <p class="strength" id="secret-strength" aria-live="polite" hidden />
      <p class="hint" id="secret-hint">
        32 random characters or more. A word can be guessed.
        {replaces && ' The present secret stops working at once. To keep it working for a while, rotate the secret instead.'}
      </p>
    </div>
  );
}
