import { setCookie } from 'hono/cookie';
import { databaseOf, withoutParameters } from '../../db/client.ts';
import { noteSecretShown } from '../../db/dashboard-sessions.ts';
import { openSecret, sealSecret } from '../../db/secret-box.ts';
import { logError } from '../../log.ts';
import { cookieOptions, dropCookie, readCookie } from '../session/session.ts';
import type { PageContext } from './visit.ts';

const FLASH_COOKIE = 'bullseye_flash';
/** How long a message waits for the page that shows it: the redirect comes at once. */
const MAX_AGE_SECONDS = 60;
const PURPOSE = 'dashboard messages';

/** What the next page says about what was just done. */
export interface Flash {
  kind: 'done' | 'failed';
  message: string;
  /** A secret that is shown this once. */
  secret?: string;
}

/** A message as its cookie holds it: its end is in what is sealed, and not only in what a browser is told. */
interface LeftFlash extends Flash {
  /** Milliseconds since the epoch; of the messages of one session no two have the same. */
  leftAt: number;
}

/**
 * Leaves a message for the page that the answer redirects to. It travels in a cookie, so that it costs no database, and sealed
 * for this session, since it can carry a secret: nobody else can read it, or make one up.
 */
export async function setFlash(c: PageContext, flash: Flash): Promise<void> {
  const { settings, tokenHash, nowMs, secretShownAt } = c.get('visit');
  const left: LeftFlash = { ...flash, leftAt: Math.max(nowMs, (secretShownAt ?? 0) + 1) };
  const sealed = await sealSecret(settings.masterKeys, boxName(tokenHash), JSON.stringify(left), PURPOSE);
  setCookie(c, FLASH_COOKIE, sealed, { ...cookieOptions(c), maxAge: MAX_AGE_SECONDS });
}

/**
 * Takes the message, so that it is shown once. One that does not open (of an earlier session, forged), or whose time is over, is dropped.
 * One with a secret is noted in the database: whoever has a copy of the cookie, and of the session's, does not see the secret again.
 */
export async function takeFlash(c: PageContext): Promise<Flash | null> {
  const sealed = readCookie(c, FLASH_COOKIE);
  if (sealed === undefined) return null;
  const { settings, tokenHash, nowMs } = c.get('visit');
  const left = await openFlash(settings.masterKeys, tokenHash, sealed);
  const isOver = !left || nowMs > left.leftAt + MAX_AGE_SECONDS * 1_000;
  try {
    const isShown = !isOver && (left.secret === undefined || (await noteSecretShown(databaseOf(c.env.DB), tokenHash, left.leftAt)));
    dropCookie(c, FLASH_COOKIE);
    return isShown ? left : null;
  } catch (error) {
    // The page is shown without it, and the cookie stays: the same page, opened again, shows it.
    logError('dashboard.secret_not_shown', withoutParameters(error));
    return null;
  }
}

async function openFlash(masterKeys: readonly string[], tokenHash: string, sealed: string): Promise<LeftFlash | null> {
  try {
    return JSON.parse(await openSecret(masterKeys, boxName(tokenHash), sealed, PURPOSE));
  } catch {
    return null;
  }
}

function boxName(tokenHash: string): string {
  return `dashboard flash: ${tokenHash}`;
}
