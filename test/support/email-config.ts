import { configCopy } from './config-copy.ts';

/** wrangler.toml as docs/deploying.md has whoever wants e-mail change it, in a folder of its own below another. */
export function configWithEmail(folder: string): string {
  const lines = /^# \[\[send_email\]\]\n# name = "EMAIL"\n# (allowed_sender_addresses = .*)$/m;
  return configCopy(folder, (text) => text.replace(lines, '[[send_email]]\nname = "EMAIL"\n$1'));
}
