import { WEAK_BELOW_CHARACTERS, warningsOf } from '../../domain/webhook/webhook-secret.ts';
import { Problem } from '../parts/field.tsx';
import { t } from '../words/words.tsx';
import type { SecretChoice, WebhookFormValues } from './webhook-input.ts';

interface SecretFieldsProps {
  values: WebhookFormValues;
  problem: string | undefined;
  /** Of a webhook that is there already; null: it is a new one. */
  existing: { hasSecret: boolean } | null;
}

const TITLES = { keep: 'secret.keep', generate: 'secret.generate', own: 'secret.own', none: 'secret.none' } as const;

/** What becomes of the secret that signs deliveries. */
export function SecretFields({ values, problem, existing }: SecretFieldsProps) {
  const choices: readonly SecretChoice[] = existing ? ['keep', 'own', 'none'] : ['generate', 'own', 'none'];
  const hints: Record<SecretChoice, string> = {
    keep: existing?.hasSecret ? t('secret.keptSigned') : t('secret.keptUnsigned'),
    generate: t('secret.generateHint'),
    own: '',
    none: t('secret.noneHint'),
  };
  return (
    <fieldset class={problem ? 'wrong secret' : 'secret'}>
      <legend>{t('secret.title')}</legend>
      <p class="hint">{t('secret.hint')}</p>
      {choices.map((choice) => (
        <div class="option">
          <input type="radio" name="secretChoice" value={choice} id={`secret-${choice}`} checked={values.secretChoice === choice} />
          <div>
            <label for={`secret-${choice}`}>{t(TITLES[choice])}</label>
            {choice !== 'own' && <p class="hint">{hints[choice]}</p>}
            {choice === 'own' && <OwnSecret values={values} problem={problem} replaces={existing?.hasSecret ?? false} />}
          </div>
        </div>
      ))}
    </fieldset>
  );
}

function OwnSecret({ values, problem, replaces }: { values: WebhookFormValues; problem: string | undefined; replaces: boolean }) {
  return (
    <div class="own-secret">
      <label class="visually-hidden" for="secret">
        {t('secret.ownLabel')}
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
      <SecretStrength />
      <p class="hint" id="secret-hint">
        {t('secret.ownHint')} {replaces && t('secret.replaces')}
      </p>
    </div>
  );
}

/** How hard the secret is to guess, as it is typed: the script says which. */
export function SecretStrength() {
  return (
    <p
      class="strength"
      id="secret-strength"
      aria-live="polite"
      data-good={t('secret.strong')}
      data-warn={t('secret.fair')}
      data-bad={t('secret.weak')}
      hidden
    />
  );
}

/** What the API says of a secret that was taken, in the language of the page. */
export function warningWords({ warnings = [] }: { warnings?: readonly string[] }): string[] {
  const [short] = warningsOf('a');
  return warnings.map((warning) => (warning === short ? t('secret.short', { count: WEAK_BELOW_CHARACTERS }) : warning));
}
