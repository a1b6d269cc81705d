import { env } from 'cloudflare:workers';
import { inflateRawSync } from 'node:zlib';
import { Store } from '../../src/outbox/books/store.ts';
import { inOutbox } from './outbox.ts';

const decoder = new TextDecoder();

/** Bytes as text, and what they are once they are decompressed. */
function readable(_: string, value: unknown): unknown {
  const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
  if (!(bytes instanceof Uint8Array)) return value;
  try {
    return [decoder.decode(bytes), decoder.decode(inflateRawSync(bytes))];
  } catch {
    return decoder.decode(bytes);
  }
}

/** Everything that an outbox has stored, as text. */
export function storedIn(webhookId: string): Promise<string> {
  return inOutbox(webhookId, (_, storage) => {
    const store = new Store(storage);
    const tables = store.sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    );
    const rows = tables.toArray().map(({ name }) => [name, store.sql.exec(`SELECT * FROM ${name}`).toArray()]);
    return JSON.stringify([rows, [...storage.kv.list()]], readable);
  });
}

/** Everything that D1 has stored, as text. */
export async function storedInD1(): Promise<string> {
  const tables = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'").all<{
    name: string;
  }>();
  const rows = await Promise.all(
    tables.results.map(async ({ name }) => [name, (await env.DB.prepare(`SELECT * FROM ${name}`).all()).results]),
  );
  const asBytes = (key: string, value: unknown) =>
    Array.isArray(value) && value.length > 8 && value.every((byte) => typeof byte === 'number')
      ? decoder.decode(Uint8Array.from(value))
      : readable(key, value);
  return JSON.stringify(rows, asBytes);
}
