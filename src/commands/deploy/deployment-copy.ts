/*
 * A second deployment beside the first one in the same account, such as one to try things out in: everything that has a name in the
 * account has another one there. wrangler's environments would need every binding written down a second time.
 */

/** A copy's name: what a queue's and a Worker's name may have at their ends. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?$/;
/** Names that a queue of the original has at its end, or that would make one of events look like it: `-dead`, and the numbers of further ones. */
const TAKEN = /^\d{1,2}$|(?:^|-)dead(?:-|$)/;

/** What has a name, or a number, in the account. */
const NAMED = /^(database_name|queue|dead_letter_queue) = "([^"]+)"/gm;
/** The Worker's own name: the first one. Those of bindings are the code's. */
const WORKER = /^name = "([^"]+)"/m;
const NUMBERED = /^namespace_id = "(\d+)"/gm;
/** The original's own address. A copy that had it would sign people in there, and take itself for a stranger. */
const PUBLIC_URL = /^\s*PUBLIC_URL\s*=.*$/m;
/** Addresses that a deploy takes over from whoever has them. */
const ROUTES = /^\s*(routes?\s*=|\[\[routes\]\])/m;

/**
 * A configuration (wrangler.toml) in which the Worker, the database and the queues are those of a copy, and which has no address of its own:
 * the flags of the deploy give it one.
 * @throws where the copy's name is none, or where the configuration names routes
 */
export function copyOf(configuration: string, copy: string): string {
  if (!NAME.test(copy))
    throw new Error(`--copy takes a name of up to 20 small letters, digits and hyphens, such as staging; "${copy}" is none`);
  if (TAKEN.test(copy))
    throw new Error(`"${copy}" would be taken for another queue: --copy takes no name with the word dead in it, and no number below 100`);
  if (ROUTES.test(configuration))
    throw new Error('A copy would take the routes of the configuration over: remove them, and give each deploy its address with --domain');
  return configuration
    .replace(PUBLIC_URL, 'PUBLIC_URL = ""')
    .replace(WORKER, (_line, name) => `name = "${name}-${copy}"`)
    .replace(NAMED, (_line, key, name) => `${key} = "${name}-${copy}"`)
    .replace(NUMBERED, (_line, number) => `namespace_id = "${Number(number) + 1 + numberOf(copy)}"`);
}

/** The name of a configuration's database. @throws where it has none */
export function databaseOf(configuration: string): string {
  const name = /^database_name = "([^"]+)"/m.exec(configuration)?.[1];
  if (name === undefined) throw new Error('The configuration names no database (database_name)');
  return name;
}

/** A number for a name, so that copies do not share the counts of rate limits: 0 to 999,999. */
function numberOf(name: string): number {
  let number = 0;
  for (const character of name) number = (number * 31 + character.charCodeAt(0)) % 1_000_000;
  return number;
}
