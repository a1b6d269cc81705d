import { platformMark } from '../db/platform-mark.ts';
import { masterKeyId } from '../db/secret-box.ts';
import type { Settings } from '../settings.ts';

/** A secret of the deployment as the Meter remembers it: by what says nothing of its value. */
export interface SecretInForce {
  /** As people call it. */
  name: string;
  /** A keyed hash, or an id that is derived from it. */
  key: string;
}

/** The deployment's secrets that are in force: one value of each, or two while it is rotated. */
export async function secretsInForce({
  platformKeys,
  masterKeys,
}: Pick<Settings, 'platformKeys' | 'masterKeys'>): Promise<SecretInForce[]> {
  // Keyed with the master key that goes on longest: while that is rotated, the former.
  const marks = await Promise.all(platformKeys.map((key) => platformMark(masterKeys.at(-1) as string, key)));
  const ids = await Promise.all(masterKeys.map(masterKeyId));
  return [
    ...marks.map((mark, at) => ({ name: `PLATFORM_API_KEY, value ${at + 1} of ${marks.length}`, key: `platform:${mark.slice(0, 16)}` })),
    ...ids.map((id, at) => ({ name: `MASTER_KEY, value ${at + 1} of ${ids.length} (${id})`, key: `master:${id}` })),
  ];
}
