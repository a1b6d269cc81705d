import { withoutParameters } from '../db/client.ts';
import { clearBusy, clearErasure, listBusy, listErasures, listInTurn, markBusy } from '../db/outboxes.ts';
import { logError } from '../log.ts';
import { within } from '../within.ts';
import { resealSecrets } from './resealing.ts';

/** Outboxes looked after in one sweep. Workers: subrequests are limited; what is left comes with the next minute's. */
const MAX_OUTBOXES = 500;
/** Outboxes called at a time. */
const CONCURRENCY = 20;
/** How long an outbox may take to answer. */
const RPC_TIMEOUT_MS = 10_000;
/**
 * A deleted webhook's outbox is erased once more this long after the deletion: until then a consumer with a configuration
 * of seconds ago, or a leased attempt, may still record in it.
 */
const ERASE_AGAIN_AFTER_MS = 120_000;

/** The sweeps in which each webhook's outbox has a turn, marked or not: a day's. */
export const TURNS = 1_440;

/**
 * The cron's work, every minute: pokes the outboxes in which deliveries wait, should the platform have lost their alarms, and
 * erases those of deleted webhooks; and, while the master key is rotated, seals secrets anew.
 */
export async function sweep(env: Env, now: number): Promise<void> {
  await Promise.all([pokeBusy(env, now), pokeInTurn(env, now), eraseDeleted(env, now), resealSecrets(env, now)]);
}

async function pokeBusy(env: Env, now: number): Promise<void> {
  const busy = await listBusy(env.DB, MAX_OUTBOXES);
  await forEach('outbox.not_poked', busy, async ({ webhookId, since }) => {
    const waits = await within(RPC_TIMEOUT_MS, env.OUTBOX.getByName(webhookId).poke());
    if (!waits) await clearBusy(env.DB, webhookId, since);
    // To the end of the line, where there are more than one sweep takes.
    else if (busy.length === MAX_OUTBOXES) await markBusy(env.DB, webhookId, now);
  });
}

/**
 * An outbox that could not tell D1 that it is busy, and whose alarm was lost as well, would be found by nobody: so each is asked
 * once a day, and what waits there is marked.
 */
async function pokeInTurn(env: Env, now: number): Promise<void> {
  const turn = Math.floor(now / 60_000) % TURNS;
  await forEach('outbox.not_poked', await listInTurn(env.DB, turn, TURNS, MAX_OUTBOXES), async ({ webhookId }) => {
    const waits = await within(RPC_TIMEOUT_MS, env.OUTBOX.getByName(webhookId).poke());
    if (waits) await markBusy(env.DB, webhookId, now);
  });
}

async function eraseDeleted(env: Env, now: number): Promise<void> {
  await forEach('outbox.not_erased', await listErasures(env.DB, now - ERASE_AGAIN_AFTER_MS, MAX_OUTBOXES), async ({ webhookId }) => {
    await within(RPC_TIMEOUT_MS, env.OUTBOX.getByName(webhookId).erase());
    await clearErasure(env.DB, webhookId);
  });
}

/** Works through outboxes, a few at a time; one that fails is logged, and its turn comes again with the next sweep. */
async function forEach<T extends { webhookId: string }>(failure: string, outboxes: T[], work: (outbox: T) => Promise<void>): Promise<void> {
  const waiting = [...outboxes];
  const worker = async (): Promise<void> => {
    for (let outbox = waiting.shift(); outbox; outbox = waiting.shift()) {
      try {
        await work(outbox);
      } catch (error) {
        logError(failure, withoutParameters(error), { webhook: outbox.webhookId });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
