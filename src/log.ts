/*
 * One structured line per happening: Workers Logs index JSON by field. What a line must never carry: secrets, keys, payloads,
 * response bodies, and URLs beyond their host (customers put tokens in paths and queries).
 */

type Fields = Record<string, string | number | boolean | null | undefined>;

export function logInfo(event: string, fields: Fields): void {
  console.log(JSON.stringify({ level: 'info', event, ...fields }));
}

export function logWarning(event: string, fields: Fields): void {
  console.warn(JSON.stringify({ level: 'warn', event, ...fields }));
}

/** A fault of ours: logged whole, with its stack. */
export function logError(event: string, error: unknown, fields: Fields = {}): void {
  const described = error instanceof Error ? { error: error.message, stack: error.stack } : { error: String(error) };
  console.error(JSON.stringify({ level: 'error', event, ...fields, ...described }));
}
