import { t } from './words.tsx';

/** What the log has of attempts that failed (domain/delivery/outcome.ts, attempt/attempt.ts), by how it begins. It is kept in English, for the API. */
const KNOWN = [
  ['The endpoint answered 410 Gone', 'attemptError.gone'],
  ['The endpoint answered with a redirect', 'attemptError.someRedirect'],
  ['The connection was refused or broken off', 'attemptError.refused'],
  ['No connection could be made', 'attemptError.noConnection'],
  ['The attempt was interrupted', 'attemptError.interrupted'],
] as const;

const ANSWERED = /^The endpoint answered (?<status>\d{3})(?<rest>.*)/;
const IN_VAIN = /^No response within (?<seconds>[\d.]+) s$/;
const FAILED = 'The request failed';

/** What an attempt failed of, in the language of the page; what nobody has foreseen stays as the log has it. */
export function failureText(error: string): string {
  const known = KNOWN.find(([begin]) => error.startsWith(begin));
  if (known) return t(known[1]);
  const { status, rest } = ANSWERED.exec(error)?.groups ?? {};
  if (status !== undefined) return t(rest?.includes('redirects') ? 'attemptError.redirect' : 'attemptError.status', { status });
  const { seconds } = IN_VAIN.exec(error)?.groups ?? {};
  if (seconds !== undefined) return t('attemptError.timeout', { seconds });
  return error === FAILED ? t('attemptError.failed') : error;
}
