import { setCookie } from 'hono/cookie';
import { openSecret, sealSecret } from '../db/secret-box.ts';
import { cookieOptions, dropCookie, readCookie } from './session.ts';
import type { PageContext } from './visit.ts';

const FLASH_COOKIE = 'bullseye_flash';
/** How long a message waits for the page that shows it: the redirect comes at once. */
const MAX_AGE_SECONDS = 60;

/** What the next page says about what was just done. */
export interface Flash {
  kind: 'done' | 'failed';
  message: string;
  /** A secret that is shown this once. */
  secret?: string;
}

/**
 * Leaves a message for the page that the answer redirects to. It travels in a cookie, so that it costs no database, and sealed
 * for this session, since it can carry a secret: nobody else can read it, or make one up.
 */
export async function setFlash(c: PageContext, flash: Flash): Promise<void> {
  const { settings, tokenHash } = c.get('visit');
  const sealed = await sealSecret(settings.masterKeys, boxName(tokenHash), JSON.stringify(flash));
  setCookie(c, FLASH_COOKIE, sealed, { ...cookieOptions(c), maxAge: MAX_AGE_SECONDS });
}

/** Takes the message, so that it is shown once. One that does not open (of an earlier session, forged) is dropped. */
export async function takeFlash(c: PageContext): Promise<Flash | null> {
  const sealed = readCookie(c, FLASH_COOKIE);
  if (sealed === undefined) return null;
  dropCookie(c, FLASH_COOKIE);
  const { settings, tokenHash } = c.get('visit');
  try {
    return JSON.parse(await openSecret(settings.masterKeys, boxName(tokenHash), sealed));
  } catch {
    return null;
  }
}

function boxName(tokenHash: string): string {
  return `dashboard flash: ${tokenHash}`;
}
