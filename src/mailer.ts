import { logError, logInfo } from './log.ts';
import { settingsOf } from './settings.ts';
import { within } from './within.ts';

/** How long the e-mail service may take for one mail. */
const TIMEOUT_MS = 5_000;

/** A mail to one address. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Where one click ends such mails, for the reader and for their mail program (RFC 8058). Absent: it is not one of many. */
  endUrl?: string;
}

/**
 * What became of a mail.
 * - `sent`: the service has taken it.
 * - `refused`: it takes none for this address, however often it is asked: one that has bounced, say.
 * - `failed`: another try may do better.
 */
export type MailResult = 'sent' | 'refused' | 'failed';

/** The deployment's way to send e-mail. */
export interface Mailer {
  /** Where links in mails lead. */
  origin: string;
  send(mail: Mail): Promise<MailResult>;
}

/** What Cloudflare says of an address that it will never send to (Email Service, error codes of the Workers API). */
const REFUSALS: ReadonlySet<unknown> = new Set(['E_RECIPIENT_SUPPRESSED', 'E_RECIPIENT_NOT_ALLOWED', 'E_VALIDATION_ERROR']);

/**
 * The mailer of a deployment; null where it sends none: without the binding EMAIL, a sender, or an address of its own for the links, without
 * which nobody could confirm an address or end the mails to it.
 */
export function mailerOf(env: Env): Mailer | null {
  const { alertsFrom, publicUrl, dashboard } = settingsOf(env);
  // A binding that a deployment can have: it is not in wrangler.toml as it ships, and so not in the generated types.
  const { EMAIL } = env as Env & { EMAIL?: SendEmail };
  if (!EMAIL || alertsFrom === null || publicUrl === null) return null;
  const from = { email: alertsFrom, name: dashboard.name };
  return { origin: publicUrl.origin, send: (mail) => send(EMAIL, from, mail) };
}

async function send(binding: SendEmail, from: { email: string; name: string }, { endUrl, ...mail }: Mail): Promise<MailResult> {
  try {
    await within(TIMEOUT_MS, binding.send({ ...mail, from, headers: headersOf(endUrl) }));
    return 'sent';
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    // An address is not for logs.
    const message = String(error instanceof Error ? error.message : error).replaceAll(mail.to, '…');
    if (REFUSALS.has(code)) logInfo('mail.refused', { code: String(code), message });
    else logError('mail.not_sent', message, { code: code === undefined ? null : String(code) });
    return REFUSALS.has(code) ? 'refused' : 'failed';
  }
}

/** That no program answers it, and how it ends. Email Service refuses a List-Unsubscribe that is not https, which is so in development alone. */
function headersOf(endUrl: string | undefined): Record<string, string> {
  const auto = { 'Auto-Submitted': 'auto-generated' };
  if (!endUrl?.startsWith('https://')) return auto;
  return { ...auto, 'List-Unsubscribe': `<${endUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
}
