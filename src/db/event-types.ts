import { eq } from 'drizzle-orm';
import { type EventSchema, type EventType, mergeCatalogue } from '../domain/event/event-type.ts';
import type { Database } from './client.ts';
import { eventTypes } from './schema.ts';

export type StoredEventType = Pick<EventType, 'name' | 'description' | 'example' | 'schema'>;

const stored = {
  name: eventTypes.name,
  description: eventTypes.description,
  example: eventTypes.example,
  schema: eventTypes.schema,
};

/** The whole catalogue, by name: what ships with the service, overlaid by what is stored. */
export async function listEventTypes(db: Database): Promise<EventType[]> {
  const rows = await db.select(stored).from(eventTypes);
  return mergeCatalogue(rows.map((row) => ({ ...row, schema: row.schema as EventSchema | null })));
}

/** Adds an event type, or describes one anew; whether nothing was stored of it before. */
export async function putEventType(db: Database, type: StoredEventType, nowMs: number): Promise<boolean> {
  const { name, ...values } = type;
  const [before] = await db.batch([
    db.select({ name: eventTypes.name }).from(eventTypes).where(eq(eventTypes.name, name)),
    db
      .insert(eventTypes)
      .values({ name, ...values, createdAt: nowMs, updatedAt: nowMs })
      .onConflictDoUpdate({ target: eventTypes.name, set: { ...values, updatedAt: nowMs } }),
  ]);
  return before.length === 0;
}

/** Removes what is stored of an event type; false where nothing was. */
export async function deleteEventType(db: Database, name: string): Promise<boolean> {
  const deleted = await db.delete(eventTypes).where(eq(eventTypes.name, name)).returning({ name: eventTypes.name });
  return deleted.length > 0;
}
