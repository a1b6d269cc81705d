import { paths } from '../../dashboard/frame/paths.ts';
import { type AlertAddress, type Alerts, putAlerts, readAlerts } from '../../db/alerts.ts';
import { changesBetween } from '../../domain/access/audit-log.ts';
import { keyedHash } from '../../domain/access/keyed-hash.ts';
import { confirmationMail, type MailParties, trialMail } from '../../domain/alert-mail.ts';
import { NOTICES } from '../../domain/event/operational-event.ts';
import { toBase64Url } from '../../domain/text/encoding.ts';
import { logWarning } from '../../log.ts';
import { type Mailer, mailerOf } from '../../mailer.ts';
import { countRequest, countsOfConfirmation, countsOfTrial, lookAtCounts, RateLimited, requireCount } from '../access/rate-limit.ts';
import { ApiError } from '../errors.ts';
import { organizationParams, requireOrganization } from '../parameters.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

const path = '/api/v1/organization/{organizationId}/alerts';
const tag = 'Alerts';

/** Addresses that an organization is told at, at most. */
export const MAX_ALERT_ADDRESSES = 10;
/** RFC 5321: a path has at most 256 characters, with its angle brackets. */
const MAX_ADDRESS_LENGTH = 254;
/** How often what somebody else has changed meanwhile is read again. */
const TRIES = 3;

const notice = z.enum(NOTICES).openapi('Notice', { description: "One of the service's own events about a webhook." });

const addresses = z
  .array(z.string().openapi({ format: 'email', example: 'ada@example.com' }))
  .max(MAX_ALERT_ADDRESSES)
  .superRefine((emails, context) => {
    const seen = new Set<string>();
    for (const [index, named] of emails.entries()) {
      const field = `emails[${index}]`;
      const isAddress = named.length <= MAX_ADDRESS_LENGTH && z.email().safeParse(named).success;
      const message = isAddress ? `\`${field}\` is there already.` : `\`${field}\` is not an e-mail address.`;
      if (!isAddress || seen.has(named.toLowerCase())) context.addIssue({ code: 'custom', path: [`[${index}]`], message });
      seen.add(named.toLowerCase());
    }
  })
  .openapi({ description: 'Upper and lower case are the same.' });

const alertsInput = z
  .strictObject({
    emails: addresses,
    events: z.array(notice).max(NOTICES.length).optional().openapi({ description: 'What the addresses are told of. Absent: all four.' }),
  })
  .openapi('AlertsInput');

const alerts = z
  .object({
    available: z.boolean().openapi({ description: 'Whether this deployment sends e-mail.' }),
    emails: z.array(
      z.object({
        address: z.string(),
        confirmed: z.boolean().openapi({ description: 'An address gets nothing but a link to confirm until it has confirmed.' }),
      }),
    ),
    events: z.array(notice),
  })
  .openapi('Alerts', { description: 'Who is told by e-mail when something happens to a webhook, and of what.' });

function toAlerts(env: Env, { addresses, events }: Pick<Alerts, 'addresses' | 'events'>): z.input<typeof alerts> {
  const emails = addresses.map(({ address: named, confirmedAt }) => ({ address: named, confirmed: confirmedAt !== null }));
  return { available: mailerOf(env) !== null, emails, events: [...events] };
}

export const getAlerts = route({
  method: 'get',
  path,
  operationId: 'getAlerts',
  summary: 'Who is told by e-mail',
  description:
    'What they are told of goes to webhooks, too, that subscribe to it: those with the format `slack`, `teams` or `discord` bring it into a chat.',
  tag,
  access: 'admin',
  params: organizationParams,
  success: { status: 200, description: 'The addresses, and what they are told of.', schema: alerts },
  handler: async ({ params, db, env }) => {
    await requireOrganization(db, params.organizationId);
    return toAlerts(env, await readAlerts(db, params.organizationId));
  },
});

export const chooseAlerts = route({
  method: 'put',
  path,
  operationId: 'putAlerts',
  summary: 'Choose who is told by e-mail, and of what',
  description:
    'A new address is sent a link to confirm, and gets nothing else until it has. One that stays keeps its confirmation; one that is left out is ' +
    'deleted. Put an address again that has not confirmed, ten minutes later or more, to send the link once more (three times a day at most). Of one webhook at most one mail an ' +
    'hour is sent; what comes meanwhile is in the next. Every mail has a link that ends them with one click.',
  tag,
  access: 'admin',
  writes: true,
  params: organizationParams,
  body: alertsInput,
  examples: {
    'Two people, all events': { emails: ['ada@example.com', 'grace@example.com'] },
    'One person, when nothing goes any more': { emails: ['ada@example.com'], events: ['webhook.disable_warning', 'webhook.disabled'] },
  },
  success: { status: 200, description: 'The addresses as they are now.', schema: alerts },
  errors: ['email_not_available'],
  handler: async ({ params, body, db, env, settings, entry, nowMs }) => {
    const { organizationId } = params;
    const organization = await requireOrganization(db, organizationId);
    const mailer = requireMailer(env);
    const emails = body.emails.map((named) => named.toLowerCase()).sort();
    const events = NOTICES.filter((name) => body.events === undefined || body.events.includes(name));
    const chosen = emails.map((named) => ({ address: named, token: tokenOf(settings.masterKeys[0] as string, organizationId, named) }));
    for (let tries = 1; ; tries++) {
      const before = await readAlerts(db, organizationId);
      const toAsk = await addressesToAsk(env, organizationId, chosen, before, nowMs);
      const changes = changesBetween(choicesOf(before), { emails, events });
      const isChange = Object.keys(changes).length > 0;
      const target = { type: 'organization', id: organizationId } as const;
      const isDone = !isChange || (await putAlerts(db, before, { addresses: chosen, events }, entry('alerts.updated', target, changes)));
      if (!isDone && tries < TRIES) continue;
      if (!isDone)
        throw new ApiError('configuration_unavailable', 'Others are changing the alerts at the same time. Please try again shortly.');
      await ask(env, organizationId, mailer, toAsk, { product: settings.dashboard.name, organization: organization.name });
      return toAlerts(env, isChange ? await readAlerts(db, organizationId) : before);
    }
  },
});

export const tryAlerts = route({
  method: 'post',
  path: `${path}/trial`,
  operationId: 'tryAlerts',
  summary: 'Send a trial to the confirmed addresses',
  description: 'A mail that says that it is a trial. It is sent now, whatever was sent in the last hour.',
  tag,
  access: 'admin',
  params: organizationParams,
  success: {
    status: 200,
    description: 'To how many addresses it was sent.',
    schema: z
      .object({ sent: z.int(), failed: z.int().openapi({ description: 'Addresses that the mail could not be sent to.' }) })
      .openapi('AlertTrial'),
  },
  errors: ['email_not_available'],
  handler: async ({ params, db, env, settings, nowMs }) => {
    const { organizationId } = params;
    const organization = await requireOrganization(db, organizationId);
    const mailer = requireMailer(env);
    await requireCount(env, organizationId, countsOfTrial(), nowMs);
    const parties = { product: settings.dashboard.name, organization: organization.name };
    const confirmed = (await readAlerts(db, organizationId)).addresses.filter(({ confirmedAt }) => confirmedAt !== null);
    const results = await Promise.all(
      confirmed.map(({ address: to, token }) => {
        const endUrl = `${mailer.origin}${paths.alertsEnd(token)}`;
        return mailer.send({ ...trialMail(parties, endUrl), to, endUrl });
      }),
    );
    const sent = results.filter((result) => result === 'sent').length;
    return { sent, failed: results.length - sent };
  },
});

export const alertRoutes: readonly Route[] = [getAlerts, chooseAlerts, tryAlerts];

function requireMailer(env: Env): Mailer {
  const mailer = mailerOf(env);
  if (mailer) return mailer;
  const others = 'A webhook that subscribes to `webhook.*`, with the format `slack`, `teams` or `discord`, tells the same.';
  throw new ApiError('email_not_available', `This deployment sends no e-mail. ${others}`);
}

function choicesOf({ addresses, events }: Alerts): Record<string, unknown> {
  return { emails: addresses.map(({ address: named }) => named), events };
}

/**
 * What the links of an address carry. It is the same whenever the address is added: a link that was sent before it was taken out and added
 * again, within the time in which no other one is sent, works.
 */
function tokenOf(masterKey: string, organizationId: string, named: string): string {
  return toBase64Url(keyedHash(new TextEncoder().encode(masterKey), JSON.stringify(['alert address', organizationId, named])));
}

type Asked = Pick<AlertAddress, 'address' | 'token'>;

/**
 * The addresses that are to be asked whether they want alerts: not again soon, and 429 where there are more new ones than may be asked today.
 * Nothing is counted yet: what is not saved asks nobody.
 */
async function addressesToAsk(env: Env, organizationId: string, chosen: readonly Asked[], before: Alerts, nowMs: number): Promise<Asked[]> {
  const known = new Map(before.addresses.map((each) => [each.address, each]));
  const unconfirmed = chosen.filter((each) => (known.get(each.address)?.confirmedAt ?? null) === null);
  const looked = unconfirmed.map(async (each) => {
    const present = known.get(each.address);
    const asked = present ?? each;
    const states = await lookAtCounts(env, organizationId, countsOfConfirmation(asked.token));
    // An address that was asked just now can be put again: it has its link.
    const isOpen = states === null || states.slice(0, -1).every(({ allowed }) => allowed);
    return { asked, isNew: present === undefined, isOpen, ofAll: states?.at(-1) };
  });
  const open = (await Promise.all(looked)).filter(({ isOpen }) => isOpen);
  const ofAll = open.find((each) => each.ofAll !== undefined)?.ofAll;
  const added = open.filter(({ isNew }) => isNew);
  if (ofAll && added.length > ofAll.remaining) throw new RateLimited(ofAll, nowMs);
  // Those that are there already can wait for another day.
  return [...added, ...open.filter(({ isNew }) => !isNew)].slice(0, ofAll?.remaining).map(({ asked }) => asked);
}

/** Asks addresses, and counts that. One that somebody else has had asked at the same moment is not asked twice. */
async function ask(env: Env, organizationId: string, mailer: Mailer, addresses: readonly Asked[], parties: MailParties): Promise<void> {
  const asked = addresses.map(async ({ address: to, token }) => {
    const state = await countRequest(env, organizationId, countsOfConfirmation(token));
    if (state && !state.allowed) return 'counted';
    return await mailer.send({ ...confirmationMail(parties, `${mailer.origin}${paths.alertsConfirm(token)}`), to });
  });
  const unsent = (await Promise.all(asked)).filter((result) => result !== 'sent').length;
  if (unsent > 0) logWarning('alerts.not_asked', { addresses: unsent });
}
