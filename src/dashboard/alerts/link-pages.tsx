import type { Child } from 'hono/jsx';
import { guesses } from '../../api/access/guesses.ts';
import { confirmAddress, findAlertAddress, removeAddress } from '../../db/alerts.ts';
import { databaseOf } from '../../db/client.ts';
import type { AuditChanges, AuditEntry } from '../../domain/access/audit-log.ts';
import { networkOf } from '../../domain/access/client-address.ts';
import { mintId } from '../../domain/ids.ts';
import { page } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { bold, rich, t } from '../words/words.tsx';

/*
 * Where the links in mails lead. Nobody has to sign in: whoever has a link has got the mail. Opening one does nothing, since programs that look
 * through mail open what is in them; a button does.
 */

/** As api/account/alerts.ts makes them: what looks otherwise is not worth a question to the database. */
const TOKEN = /^[\w-]{22}$/;

type Found = NonNullable<Awaited<ReturnType<typeof findAlertAddress>>>;

/** The address of a link; null where it opens nothing, which is counted by the network that it comes from. */
async function addressOf(c: PageContext): Promise<Found | null> {
  const nowMs = Date.now();
  const token = tokenOf(c);
  const network = networkOf(c.req.raw.headers);
  guesses.requireTurn(network, nowMs);
  const found = TOKEN.test(token) ? await findAlertAddress(databaseOf(c.env.DB), token) : null;
  if (!found) await guesses.failed(c.env.FAILED_KEYS, network, nowMs);
  return found;
}

function tokenOf(c: PageContext): string {
  return c.req.param('token') ?? '';
}

/** `GET alerts/confirm/<token>`: asks for a click. */
export async function showConfirm(c: PageContext): Promise<Response> {
  const found = await addressOf(c);
  if (!found) return await over(c);
  if (found.confirmedAt !== null) return await confirmed(c, found);
  return await narrow(
    c,
    t('alertLink.confirm'),
    <>
      <p>{rich('alertLink.confirmAsk', { organization: found.organization, address: found.address, b: bold })}</p>
      <form method="post" action={paths.alertsConfirm(tokenOf(c))}>
        <button type="submit" class="primary">
          {t('alertLink.confirmButton')}
        </button>
      </form>
      <p class="hint">{t('alertLink.confirmHint')}</p>
    </>,
  );
}

/** `POST alerts/confirm/<token>`. */
export async function submitConfirm(c: PageContext): Promise<Response> {
  const found = await addressOf(c);
  if (!found) return await over(c);
  const changes = { [`emails.${found.address}`]: { from: 'not confirmed', to: 'confirmed' } };
  await confirmAddress(databaseOf(c.env.DB), tokenOf(c), entryOf(c, found, changes));
  return await confirmed(c, found);
}

/** `GET alerts/end/<token>`: asks for a click. */
export async function showEnd(c: PageContext): Promise<Response> {
  const found = await addressOf(c);
  if (!found) return await ended(c);
  return await narrow(
    c,
    t('alertLink.end'),
    <>
      <p>{rich('alertLink.endAsk', { organization: found.organization, address: found.address, b: bold })}</p>
      <form method="post" action={paths.alertsEnd(tokenOf(c))}>
        <button type="submit" class="primary">
          {t('alertLink.end')}
        </button>
      </form>
    </>,
  );
}

/** `POST alerts/end/<token>`: of the page, and of mail programs, which send nothing that tells who they are (RFC 8058). */
export async function submitEnd(c: PageContext): Promise<Response> {
  const found = await addressOf(c);
  if (!found) return await ended(c);
  const changes = { [`emails.${found.address}`]: { from: found.confirmedAt === null ? 'not confirmed' : 'confirmed', to: null } };
  await removeAddress(databaseOf(c.env.DB), tokenOf(c), entryOf(c, found, changes));
  return await ended(c);
}

/** What somebody has done who has the mail: nobody of the organization, so it is the service that answers for it, and the address says who. */
function entryOf(c: PageContext, { organizationId, address }: Found, changes: AuditChanges): AuditEntry {
  const at = Date.now();
  const network = networkOf(c.req.raw.headers);
  const who = { actor: { type: 'service', id: null, name: address }, target: { type: 'organization', id: organizationId } } as const;
  return { id: mintId('auditEntry', at), organizationId, at, network, action: 'alerts.updated', changes, ...who };
}

async function confirmed(c: PageContext, { address, organization }: Found): Promise<Response> {
  return await narrow(c, t('alertLink.confirmed'), <p>{rich('alertLink.confirmedHint', { address, organization, b: bold })}</p>);
}

/** The same whether it has just ended or had before: a mail program may ask twice. */
async function ended(c: PageContext): Promise<Response> {
  return await narrow(c, t('alertLink.ended'), <p>{t('alertLink.endedHint')}</p>);
}

async function over(c: PageContext): Promise<Response> {
  return await narrow(c, t('alertLink.over'), <p>{t('alertLink.overHint')}</p>, 410);
}

async function narrow(c: PageContext, title: string, content: Child, status: 200 | 410 = 200): Promise<Response> {
  return await page(
    c,
    { title, status },
    <section class="card narrow">
      <h1>{title}</h1>
      {content}
    </section>,
  );
}
