/** How something that was looked at stands. `unknown`: it could not be looked at. */
export type Standing = 'ok' | 'warning' | 'fault' | 'unknown';

/** One thing that was looked at. */
export interface Finding {
  what: string;
  standing: Standing;
  /** What was found. */
  found: string;
  /** What to do about it; absent: nothing. */
  advice?: string;
}

export const ok = (what: string, found: string): Finding => ({ what, standing: 'ok', found });
export const warning = (what: string, found: string, advice: string): Finding => ({ what, standing: 'warning', found, advice });
export const fault = (what: string, found: string, advice: string): Finding => ({ what, standing: 'fault', found, advice });
export const unknown = (what: string, found: string, advice?: string): Finding => ({
  what,
  standing: 'unknown',
  found,
  ...(advice && { advice }),
});

/** What a look came to; where it could not be had, that. */
export async function looked(what: string, look: () => Promise<Finding | Finding[]>): Promise<Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    return [unknown(what, reasonOf(error))];
  }
}

/** The innermost reason: `fetch` says little itself. */
export function reasonOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return reason instanceof Error ? reason.message : String(reason);
}
