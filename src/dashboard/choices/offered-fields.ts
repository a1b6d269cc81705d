import type { EventType } from '../../domain/event/event-type.ts';
import { isOperational } from '../../domain/event/operational-event.ts';
import { subscribes } from '../../domain/webhook/webhook.ts';
import type { Kind } from './value-text.ts';

/** Most fields that are offered, each of which stands in the page once for each row: in all, of the catalogue alone, and of what came alone. */
const MAX_OFFERED = 60;
const MAX_OF_CATALOGUE = 40;
const MAX_SEEN = 40;
/** Deepest and longest path that is offered. A person can write any. */
const MAX_DEPTH = 5;
const MAX_LENGTH = 60;
/** Paths that need no escape in a page, and can be told apart by eye. */
const OFFERABLE = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** What every event of an organization has, the same or always another: nobody asks for it. */
const UNASKED = ['organization_id', 'timestamp'];

/** Fields by path, with what they hold; null: now this, now that. In the order in which they stand in the events. */
export type FieldKinds = Map<string, Kind | null>;

/** The fields of events that really came, as far as they can be offered. */
export function seenFields(events: readonly unknown[]): FieldKinds {
  const found: FieldKinds = new Map();
  for (const event of events) gather(event, '', found, MAX_SEEN);
  return found;
}

/** Fields as a form carries them along, so that each of its pages offers the same. */
export function writeFields(fields: FieldKinds): string {
  return [...fields].map(([path, kind]) => `${path}:${kind ?? ''}`).join(' ');
}

export function readFields(text: string): FieldKinds {
  const found: FieldKinds = new Map();
  for (const entry of text.split(' ').slice(0, MAX_SEEN)) {
    const [path = '', kind] = entry.split(':');
    if (isOfferable(path)) found.set(path, kind === 'text' || kind === 'number' || kind === 'boolean' ? kind : null);
  }
  return found;
}

/** What is offered for a webhook: the fields of the examples and schemas of what it subscribes to, then what came beyond them. */
export function offeredFields(
  eventTypes: readonly Pick<EventType, 'name' | 'example' | 'schema'>[],
  events: readonly string[],
  seen: FieldKinds,
): FieldKinds {
  const offered: FieldKinds = new Map();
  // The service's own events pass every filter.
  const types = eventTypes.filter(({ name }) => subscribes(events, name) && !isOperational(name));
  for (const { example, schema } of types) {
    gather(example, '', offered, MAX_OF_CATALOGUE);
    gatherSchema(schema, '', offered);
  }
  if (types.length < 2) offered.delete('event');
  for (const [path, kind] of seen) {
    if (path === 'event') continue;
    add(offered, path, kind, MAX_OFFERED);
  }
  return offered;
}

/** What is known for sure of the kinds of fields. */
export function kindsOf(fields: FieldKinds): Map<string, Kind> {
  return new Map([...fields].filter((entry): entry is [string, Kind] => entry[1] !== null));
}

function gather(value: unknown, path: string, found: FieldKinds, most: number): void {
  if (Array.isArray(value)) {
    for (const element of value.slice(0, 20)) gather(element, path, found, most);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) gather(inner, path === '' ? key : `${path}.${key}`, found, most);
  } else if (value !== null && path !== '') add(found, path, kindOf(typeof value), most);
}

function gatherSchema(schema: unknown, path: string, found: FieldKinds): void {
  if (typeof schema !== 'object' || schema === null) return;
  const { properties, items, type } = schema as Record<string, unknown>;
  if (typeof properties === 'object' && properties !== null) {
    for (const [key, inner] of Object.entries(properties)) gatherSchema(inner, path === '' ? key : `${path}.${key}`, found);
  } else if (items !== undefined) gatherSchema(items, path, found);
  else if (path !== '' && type !== 'object') {
    // A schema that says no type takes nothing back of what the example shows.
    if (type !== undefined || !found.has(path)) add(found, path, kindOf(type), MAX_OF_CATALOGUE);
  }
}

/** Adds a field; one that is there already, with another kind, can be either. */
function add(found: FieldKinds, path: string, kind: Kind | null, most: number): void {
  if (!isOfferable(path)) return;
  const known = found.get(path);
  if (known === undefined ? found.size < most : known !== kind) found.set(path, known === undefined ? kind : null);
}

function isOfferable(path: string): boolean {
  return path.length <= MAX_LENGTH && OFFERABLE.test(path) && path.split('.').length <= MAX_DEPTH && !UNASKED.includes(path);
}

function kindOf(type: unknown): Kind | null {
  if (type === 'string') return 'text';
  if (type === 'number' || type === 'integer') return 'number';
  return type === 'boolean' ? 'boolean' : null;
}
