import { env } from 'cloudflare:workers';
import { afterEach, beforeEach } from 'vitest';
import { databaseOf } from '../../src/db/client.ts';
import { alertAddresses } from '../../src/db/schema.ts';

/** A mail that the Worker has sent. */
export interface SentMail {
  to: string;
  from: { email: string; name: string };
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
}

export interface Mailbox {
  /** What the runtime's simulation of Cloudflare's e-mail binding has taken, in this order. */
  readonly sent: SentMail[];
  sentTo(address: string): SentMail[];
  /** From now on the binding throws for this address; null: it takes its mails again. */
  fails(address: string, error: Error | null): void;
}

/** The mails that the Worker sends in a file's tests: each goes through the real binding of the runtime, and is noted when that has taken it. */
export function aMailbox(): Mailbox {
  const sent: SentMail[] = [];
  const failing = new Map<string, Error>();
  const bindings = env as unknown as { EMAIL: SendEmail };
  const real = bindings.EMAIL;
  const send = async (mail: SentMail): Promise<EmailSendResult> => {
    const error = failing.get(mail.to);
    if (error) throw error;
    const result = await real.send(mail);
    sent.push(mail);
    return result;
  };
  beforeEach(() => {
    sent.length = 0;
    failing.clear();
    // Outboxes have the same.
    bindings.EMAIL = { send } as unknown as SendEmail;
  });
  afterEach(() => {
    bindings.EMAIL = real;
  });
  return {
    sent,
    sentTo: (address) => sent.filter(({ to }) => to === address),
    fails: (address, error) => (error ? failing.set(address, error) : failing.delete(address)),
  };
}

/** An address that has confirmed, straight in the database. */
export async function givenAddress(organizationId: string, address: string): Promise<{ address: string; token: string }> {
  const token = crypto.randomUUID().replaceAll('-', '').slice(0, 22);
  await databaseOf(env.DB)
    .insert(alertAddresses)
    .values({ organizationId, address, token, confirmedAt: Date.now(), createdAt: Date.now() });
  return { address, token };
}

/** Where a mail leads, by what its link is called. */
export function linkIn(mail: SentMail, name: string): string {
  const [, link] = new RegExp(`^${name}: (https://\\S+)$`, 'm').exec(mail.text) ?? [];
  if (link === undefined) throw new Error(`the mail has no link “${name}”: ${mail.text}`);
  return link;
}
