import { type Issue, invalid } from '../../api/errors.ts';
import { toBase64 } from '../../domain/encoding.ts';
import { Field, Problem, type Problems } from '../field.tsx';
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
  if (choice === 'bearer') return token === '' ? [{ field: 'token', message: 'Enter the token.' }] : [];
  if (choice === 'basic') {
    if (user === '') return [{ field: 'authUser', message: 'Enter the user name.' }];
    return user.includes(':') ? [{ field: 'authUser', message: 'A user name has no colon.' }] : [];
  }
  const known = present.map((name) => name.toLowerCase());
  const names = own.map(({ name }) => name.toLowerCase());
  return own.flatMap(({ name, value }, at): Issue[] => {
    if (name === '' && value === '') return [];
    if (name === '') return [{ field: `headers.${at}`, message: 'Enter the name of the header.' }];
    if (names.indexOf(name.toLowerCase()) < at) return [{ field: `headers.${name}`, message: 'This header is there already.' }];
    return value === '' && !known.includes(name.toLowerCase())
      ? [{ field: `headers.${name}`, message: 'Enter the value of the header.' }]
      : [];
  });
}

/** “with the header Authorization” */
export function headersWords(names: readonly string[]): string {
  if (names.length > 3) return `with ${names.length} headers of your own`;
  return `with the ${names.length === 1 ? 'header' : 'headers'} ${names.join(', ')}`;
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

const TITLES = { none: 'None', bearer: 'Bearer token', basic: 'User name and password (Basic)', own: 'Headers of your own' } as const;

function said({ choice, own }: HeadersValues, present: readonly string[] | null): string {
  if (choice === 'keep') return `Sends ${present?.join(', ') || 'nothing beyond the signature'}.`;
  if (choice === 'none') return 'None beyond the signature.';
  const names = own.flatMap(({ name }) => name || []);
  return choice === 'own' ? `Sends ${names.join(', ') || 'headers of your own'}.` : `${TITLES[choice]}.`;
}

export function HeadersPart({ values, problems, present, focus }: HeadersPartProps) {
  const { choice } = values;
  const isWrong = ['token', 'authUser', 'headers'].some((name) => problems.has(name));
  const replaced = present === null ? undefined : `Instead of ${present.join(', ')}.`;
  return (
    <Fold id="fold-headers" title="Authentication" said={said(values, present)} open={isWrong || (choice !== 'keep' && choice !== 'none')}>
      <p class="hint">What your endpoint asks for, beyond the signature. Values are kept like secrets, and not shown again.</p>
      <fieldset id="headers-part" data-stepped="">
        <legend class="visually-hidden">Authentication</legend>
        {present !== null && (
          <Choice name="auth" value="keep" title="Leave as it is" hint={`Sends ${present.join(', ')}.`} chosen={choice === 'keep'} />
        )}
        <Choice name="auth" value="none" title={TITLES.none} chosen={choice === 'none' || (choice === 'keep' && present === null)} />
        <Choice name="auth" value="bearer" title={TITLES.bearer} hint={replaced} chosen={choice === 'bearer'}>
          <Field name="token" label="Token" problem={problems.get('token')}>
            {(attributes) => (
              <input {...attributes} type="text" value={values.token} maxlength={990} autocomplete="off" spellcheck={false} />
            )}
          </Field>
        </Choice>
        <Choice name="auth" value="basic" title={TITLES.basic} hint={replaced} chosen={choice === 'basic'}>
          <div class="pair">
            <Field name="authUser" label="User name" problem={problems.get('authUser')}>
              {(attributes) => (
                <input {...attributes} type="text" value={values.user} maxlength={300} autocomplete="off" spellcheck={false} />
              )}
            </Field>
            <Field name="authPassword" label="Password">
              {(attributes) => (
                <input {...attributes} type="password" value={values.password} maxlength={300} autocomplete="new-password" />
              )}
            </Field>
          </div>
        </Choice>
        <Choice name="auth" value="own" title={TITLES.own} hint="Such as X-Api-Key." chosen={choice === 'own'}>
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
        <div class="own-header" role="group" aria-label={`Header ${at + 1}`}>
          <input
            id={`header-${at}`}
            name="headerName"
            type="text"
            value={name}
            aria-label="Name"
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
            aria-label="Value"
            aria-describedby={problem && 'headers-error'}
            placeholder={known.includes(name.toLowerCase()) ? 'As it is' : 'Value'}
            maxlength={1_000}
            autocomplete="off"
            spellcheck={false}
          />
          <button type="submit" name="step" value={`header.remove.${at}`} class="plain" aria-label={`Remove header ${at + 1}`}>
            Remove
          </button>
        </div>
      ))}
      {shown.length < MAX_OWN && (
        <div class="actions">
          <Step value="header.add" id="add-header" focus={focus}>
            Add a header
          </Step>
        </div>
      )}
    </>
  );
}
