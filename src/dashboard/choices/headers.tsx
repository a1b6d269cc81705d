import { type Issue, invalid } from '../../api/errors.ts';
import { toBase64 } from '../../domain/text/encoding.ts';
import { Field, Problem, type Problems } from '../parts/field.tsx';
import { list } from '../words/formats.ts';
import { t } from '../words/words.tsx';
import { Step } from './filter-part.tsx';
import { Choice, Fold } from './fold.tsx';

/** How a webhook shows its endpoint who it is. `keep`: it has headers, which stay as they are. */
export const AUTH_CHOICES = ['keep', 'none', 'bearer', 'basic', 'own'] as const;

export interface HeadersValues {
  choice: (typeof AUTH_CHOICES)[number];
  token: string;
  user: string;
  password: string;
  /** One whose value is empty keeps the value that the webhook has for it. */
  own: { name: string; value: string }[];
}

export const NO_HEADERS: HeadersValues = { choice: 'none', token: '', user: '', password: '', own: [] };

/** Most headers that a webhook can have. */
const MAX_OWN = 20;

export function headersOf(names: readonly string[] | null): HeadersValues {
  if (names === null) return NO_HEADERS;
  return { ...NO_HEADERS, choice: 'keep', own: names.map((name) => ({ name, value: '' })) };
}

export function headersOfForm(form: URLSearchParams): HeadersValues {
  const values = form.getAll('headerValue');
  return {
    choice: AUTH_CHOICES.find((choice) => choice === form.get('auth')) ?? 'keep',
    token: form.get('token')?.trim() ?? '',
    user: form.get('authUser') ?? '',
    password: form.get('authPassword') ?? '',
    own: form
      .getAll('headerName')
      .slice(0, MAX_OWN + 1)
      .map((name, at) => ({ name: name.trim(), value: values[at]?.trim() ?? '' })),
  };
}

/**
 * As the API takes it: headers that are set, and null for those that go; null: all go; undefined: all stay. Throws an ApiError where something is
 * missing: an empty token would be sent, and the API could not know.
 * @param present names of those that the webhook has
 */
export function headersInput(values: HeadersValues, present: readonly string[] | null): Record<string, string | null> | null | undefined {
  if (values.choice === 'keep') return undefined;
  if (values.choice === 'none') return null;
  const issues = issuesOf(values, present ?? []);
  if (issues.length > 0) throw invalid(issues);
  const set = setOf(values);
  const stay = new Set(
    values.choice === 'own' ? values.own.map(({ name }) => name.toLowerCase()) : Object.keys(set).map((name) => name.toLowerCase()),
  );
  const gone = (present ?? []).filter((name) => !stay.has(name.toLowerCase()));
  // So that two that are the same but for their case are refused, and neither is passed over.
  return { ...Object.fromEntries(gone.map((name) => [name, null])), ...set };
}

function setOf({ choice, token, user, password, own }: HeadersValues): Record<string, string> {
  if (choice === 'bearer') return { Authorization: `Bearer ${token}` };
  if (choice === 'basic') return { Authorization: `Basic ${toBase64(new TextEncoder().encode(`${user}:${password}`))}` };
  return Object.fromEntries(own.filter(({ value }) => value !== '').map(({ name, value }) => [name, value]));
}

function issuesOf({ choice, token, user, own }: HeadersValues, present: readonly string[]): Issue[] {
  if (choice === 'bearer') return token === '' ? [{ field: 'token', message: t('headers.problem.token') }] : [];
  if (choice === 'basic') {
    if (user === '') return [{ field: 'authUser', message: t('headers.problem.user') }];
    return user.includes(':') ? [{ field: 'authUser', message: t('headers.problem.colon') }] : [];
  }
  const known = present.map((name) => name.toLowerCase());
  const names = own.map(({ name }) => name.toLowerCase());
  return own.flatMap(({ name, value }, at): Issue[] => {
    if (name === '' && value === '') return [];
    if (name === '') return [{ field: `headers.${at}`, message: t('headers.problem.name') }];
    if (names.indexOf(name.toLowerCase()) < at) return [{ field: `headers.${name}`, message: t('headers.problem.twice') }];
    return value === '' && !known.includes(name.toLowerCase()) ? [{ field: `headers.${name}`, message: t('headers.problem.value') }] : [];
  });
}

/** “with the header Authorization” */
export function headersWords(names: readonly string[]): string {
  const count = names.length;
  return count > 3 ? t('headers.withMany', { count }) : t('headers.with', { count, names: list(names) });
}

export function stepHeaders(values: HeadersValues, step: string): { values: HeadersValues; focus: string } | null {
  const [what, does, at] = step.split('.');
  if (what !== 'header') return null;
  const own = values.own.length === 0 ? [{ name: '', value: '' }] : [...values.own];
  if (does === 'add') own.push({ name: '', value: '' });
  else own.splice(Number(at), 1);
  return { values: { ...values, choice: 'own', own }, focus: does === 'add' ? `header-${own.length - 1}` : 'add-header' };
}

interface HeadersPartProps {
  values: HeadersValues;
  problems: Problems;
  /** Names of those that the webhook has; null: none. */
  present: readonly string[] | null;
  focus: string | null;
}

function said({ choice, own }: HeadersValues, present: readonly string[] | null): string {
  const sends = (names: readonly string[]) => (names.length === 0 ? null : t('headers.said.present', { names: list(names) }));
  if (choice === 'keep') return sends(present ?? []) ?? t('headers.said.nothing');
  if (choice !== 'own') return t(`headers.said.${choice}`);
  return sends(own.flatMap(({ name }) => name || [])) ?? t('headers.said.own');
}

export function HeadersPart({ values, problems, present, focus }: HeadersPartProps) {
  const { choice } = values;
  const isWrong = ['token', 'authUser', 'headers'].some((name) => problems.has(name));
  const replaced = present === null ? undefined : t('headers.replaces', { names: list(present) });
  return (
    <Fold
      id="fold-headers"
      title={t('headers.title')}
      said={said(values, present)}
      open={isWrong || (choice !== 'keep' && choice !== 'none')}
    >
      <p class="hint">{t('headers.hint')}</p>
      <fieldset id="headers-part" data-stepped="">
        <legend class="visually-hidden">{t('headers.title')}</legend>
        {present !== null && (
          <Choice
            name="auth"
            value="keep"
            title={t('headers.keep')}
            hint={said({ ...values, choice: 'keep' }, present)}
            chosen={choice === 'keep'}
          />
        )}
        <Choice name="auth" value="none" title={t('headers.none')} chosen={choice === 'none' || (choice === 'keep' && present === null)} />
        <Choice name="auth" value="bearer" title={t('headers.bearer')} hint={replaced} chosen={choice === 'bearer'}>
          <Field name="token" label={t('headers.token')} problem={problems.get('token')}>
            {(attributes) => (
              <input {...attributes} type="text" value={values.token} maxlength={990} autocomplete="off" spellcheck={false} />
            )}
          </Field>
        </Choice>
        <Choice name="auth" value="basic" title={t('headers.basic')} hint={replaced} chosen={choice === 'basic'}>
          <div class="pair">
            <Field name="authUser" label={t('headers.user')} problem={problems.get('authUser')}>
              {(attributes) => (
                <input {...attributes} type="text" value={values.user} maxlength={300} autocomplete="off" spellcheck={false} />
              )}
            </Field>
            <Field name="authPassword" label={t('headers.password')}>
              {(attributes) => (
                <input {...attributes} type="password" value={values.password} maxlength={300} autocomplete="new-password" />
              )}
            </Field>
          </div>
        </Choice>
        <Choice name="auth" value="own" title={t('headers.own')} hint={t('headers.ownHint')} chosen={choice === 'own'}>
          <OwnHeaders values={values} problem={problems.get('headers')} present={present} focus={focus} />
        </Choice>
      </fieldset>
    </Fold>
  );
}

function OwnHeaders({ values: { own }, problem, present, focus }: Omit<HeadersPartProps, 'problems'> & { problem: string | undefined }) {
  const shown = own.length === 0 ? [{ name: '', value: '' }] : own;
  const known = (present ?? []).map((name) => name.toLowerCase());
  return (
    <>
      <Problem name="headers" problem={problem} />
      {shown.map(({ name, value }, at) => (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset of the form has a legend and a look of its own.
        <div class="own-header" role="group" aria-label={t('headers.header', { number: at + 1 })}>
          <input
            id={`header-${at}`}
            name="headerName"
            type="text"
            value={name}
            aria-label={t('headers.name')}
            aria-describedby={problem && 'headers-error'}
            placeholder="X-Api-Key"
            maxlength={100}
            autocomplete="off"
            spellcheck={false}
            autofocus={focus === `header-${at}` || (focus === null && at === 0 && problem !== undefined)}
          />
          <input
            name="headerValue"
            type="text"
            value={value}
            aria-label={t('headers.value')}
            aria-describedby={problem && 'headers-error'}
            placeholder={known.includes(name.toLowerCase()) ? t('headers.unchanged') : t('headers.value')}
            maxlength={1_000}
            autocomplete="off"
            spellcheck={false}
          />
          <button
            type="submit"
            name="step"
            value={`header.remove.${at}`}
            class="plain"
            aria-label={t('headers.removeHeader', { number: at + 1 })}
          >
            {t('headers.remove')}
          </button>
        </div>
      ))}
      {shown.length < MAX_OWN && (
        <div class="actions">
          <Step value="header.add" id="add-header" focus={focus}>
            {t('headers.add')}
          </Step>
        </div>
      )}
    </>
  );
}
