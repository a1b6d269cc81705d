/** Fewest characters of PLATFORM_API_KEY and of MASTER_KEY in a deployment: 16 random bytes in hex. */
export const MIN_SECRET_LENGTH = 32;

/** What .dev.vars.example has: anybody can read it there. */
const PUBLISHED: ReadonlySet<string> = new Set(['bsk_platform_development', 'development-master-key-not-for-production']);

/** Why a value of PLATFORM_API_KEY or MASTER_KEY is not fit for a deployment; null where it is. The value is not quoted. */
export function flawOfSecret(name: string, value: string): string | null {
  if (PUBLISHED.has(value)) return `${name} has the development value, which everybody can read in the repository`;
  if (value.length < MIN_SECRET_LENGTH) return `${name} is shorter than ${MIN_SECRET_LENGTH} characters`;
  return null;
}
