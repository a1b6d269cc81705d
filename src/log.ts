import { addFaults, type Faults } from './domain/service/figures.ts';

/*
 * One structured line per happening: Workers Logs index JSON by field. What a line must never carry: secrets, keys, payloads,
 * response bodies, and URLs beyond their host (customers put tokens in paths and queries).
 */

type Fields = Record<string, string | number | boolean | null | undefined>;

/** Warnings that tell of a fault of ours, or of what somebody has to see to. */
const NOTED_WARNINGS: ReadonlySet<string> = new Set([
  'message.redelivered',
  'message.keeps_failing',
  'message.parked',
  'outbox.full',
  'outbox.values_forgotten',
]);

/** What this isolate has logged of faults since it was last taken, for the operator's pages (meter/gathered.ts). */
let faults: Faults = {};

export function logInfo(event: string, fields: Fields): void {
  console.log(JSON.stringify({ level: 'info', event, ...fields }));
}

export function logWarning(event: string, fields: Fields): void {
  console.warn(JSON.stringify({ level: 'warn', event, ...fields }));
  if (NOTED_WARNINGS.has(event)) note(event, typeof fields.reason === 'string' ? fields.reason : '');
}

/** A fault of ours: logged whole, with its stack. */
export function logError(event: string, error: unknown, fields: Fields = {}): void {
  const described = error instanceof Error ? { error: error.message, stack: error.stack } : { error: String(error) };
  console.error(JSON.stringify({ level: 'error', event, ...fields, ...described }));
  note(event, described.error);
}

function note(event: string, error: string): void {
  addFaults(faults, { [event]: { count: 1, at: Date.now(), error } });
}

/** Whether there are faults that nobody has taken. */
export function hasFaults(): boolean {
  for (const _ in faults) return true;
  return false;
}

/** The faults since they were last taken: whoever takes them tells them. */
export function takeFaults(): Faults {
  const taken = faults;
  faults = {};
  return taken;
}
