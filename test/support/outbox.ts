import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, vi } from 'vitest';
import { type OutboxConfig, readWebhook } from '../../src/db/configuration.ts';
import type { DeliveryDetail, NewDelivery } from '../../src/domain/delivery/delivery.ts';
import { EndpointPace } from '../../src/domain/endpoint/endpoint-pace.ts';
import { deliveryId } from '../../src/domain/ids.ts';
import { DAY_MS } from '../../src/domain/text/day.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { alarmOf, anEvent, outboxOf, runAlarm } from './deliveries.ts';

/** A webhook's configuration as consumers read it. */
export async function configOf(webhook: string): Promise<OutboxConfig> {
  const config = await readWebhook(env.DB, webhook);
  if (!config) throw new Error(`webhook ${webhook} is deleted`);
  return config;
}

/** The delivery of a new event to a webhook, as consumers bring it. */
export function newDelivery(webhook: string, extra: Record<string, unknown> = {}): NewDelivery {
  const { id: eventId, payload } = anEvent('org_acme', extra);
  const event = typeof extra.event === 'string' ? extra.event : 'visitor.identified';
  return { id: deliveryId(eventId, webhook), eventId, event, sessionId: null, acceptedAt: Date.now(), payload };
}

export function newDeliveries(webhook: string, count: number): NewDelivery[] {
  return Array.from({ length: count }, () => newDelivery(webhook));
}

/** Brings deliveries to their outbox, as a consumer that has just read the configuration does. Attempts can outlast the call. */
export async function bring(webhook: string, ...deliveries: NewDelivery[]): Promise<void> {
  await outboxOf(webhook).deliver(await configOf(webhook), deliveries, Date.now());
}

/** The same, and waits until their first attempts have ended, where any begin: on a slow machine they outlast the call. */
export async function deliver(webhook: string, ...deliveries: NewDelivery[]): Promise<void> {
  await bring(webhook, ...deliveries);
  // Not vi.waitFor: it moves a driven date.
  while ((await rowsOf(webhook)).open > 0) await scheduler.wait(10);
}

/** Has calls wait for attempts however long they take: a slow machine is not to look like a slow endpoint. */
export function havePatience(): void {
  vi.spyOn(EndpointPace.prototype, 'patienceMs').mockReturnValue(15_000);
}

export async function findDelivery(webhook: string, id: string): Promise<DeliveryDetail> {
  const detail = await outboxOf(webhook).find(id);
  if (!detail) throw new Error(`${id} is not in the log`);
  return detail;
}

/** Moves the clock to when a delivery's next attempt is due, and runs the outbox's alarm. Needs a driven date (support/clock.ts). */
export async function runWhenDue(webhook: string, id: string): Promise<void> {
  const at = (await findDelivery(webhook, id)).nextAttemptAt ?? (await alarmOf(webhook));
  if (at === null) throw new Error('nothing is due');
  vi.setSystemTime(Math.max(at, Date.now()));
  await runAlarm(webhook);
}

/** Does something within an outbox, with its storage. */
export function inOutbox<T>(webhook: string, work: (outbox: Outbox, storage: DurableObjectStorage) => T | Promise<T>): Promise<T> {
  return runInDurableObject(outboxOf(webhook), async (instance, { storage }) => await work(instance as unknown as Outbox, storage));
}

const LOADED_AT = Date.now();

/**
 * Sees to it that no outbox's alarm fires by itself in a file's tests, whatever the date is that they drive: one that is set for a time that has
 * passed on the real clock would fire at once. What is set for sooner than tomorrow is set for tomorrow.
 * @param webhook through whose outbox the storage's class is found: it is that of all of them
 */
export function holdAlarms(webhook: string): void {
  beforeEach(() =>
    inOutbox(webhook, (_, storage) => {
      const { setAlarm } = storage;
      vi.spyOn(Object.getPrototypeOf(storage), 'setAlarm').mockImplementation(function (this: DurableObjectStorage, at: unknown) {
        return setAlarm.call(this, Math.max(Number(at), LOADED_AT + DAY_MS));
      });
    }),
  );
  afterEach(() => void vi.restoreAllMocks());
}

/** How many rows an outbox has in each of its tables that has any: those of deliveries, and of the archive's days together. */
export function rowsOf(webhook: string): Promise<{ deliveries: number; archived: number; open: number }> {
  return inOutbox(webhook, (_, { sql }) => {
    const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
    const count = (name: string, where = 'true') => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${name} WHERE ${where}`).one().n;
    const days = tables.map(({ name }) => name).filter((name) => name.startsWith('archive_'));
    const sum = (where: string) => days.reduce((total, day) => total + count(day, where), 0);
    const deliveries = tables.some(({ name }) => name === 'deliveries') ? count('deliveries') : 0;
    return { deliveries, archived: sum('place > 0'), open: sum('place < 0') };
  });
}

/** An outbox's object vanishes in the middle of its work, as in a deploy or a crash; the next call loads it anew. */
export async function vanish(webhook: string): Promise<void> {
  // Its writes reach the disk first: what was answered is durable.
  await inOutbox(webhook, (_, storage) => storage.sync());
  await runInDurableObject(outboxOf(webhook), (_, state) => state.abort('vanished')).catch(() => {});
}

/** Takes away what steps after the fourth have made of an outbox's schema, so that they are made again. */
export function makeVersion4({ sql, kv }: DurableObjectStorage): void {
  for (const column of ['accepted', 'error']) sql.exec(`ALTER TABLE deliveries DROP COLUMN ${column}`);
  sql.exec('DROP TABLE filtered_days');
  kv.put('schemaVersion', 4);
}
