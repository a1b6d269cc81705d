import { JURISDICTIONS } from '../../domain/jurisdiction.ts';
import { flagValue } from '../wrangler.ts';
import { databaseOf } from './deployment-copy.ts';

/*
 * Where a deployment's data is put. D1 and queues get it when they are made, objects by what they are asked for as (src/jurisdiction.ts): none of
 * it can be changed later. So a first deploy says it, and every later one is refused that would look for the data elsewhere.
 */

/** D1's hints, as `wrangler d1 create --location` takes them. */
const LOCATIONS = ['weur', 'eeur', 'apac', 'oc', 'wnam', 'enam'] as const;

/** What the flags of a deploy say; undefined: nothing. */
export interface DataPlace {
  jurisdiction: string | undefined;
  location: string | undefined;
}

export function placeOf(args: readonly string[]): DataPlace {
  return { jurisdiction: flagValue(args, '--jurisdiction'), location: flagValue(args, '--location') };
}

/** A database of the account. */
export interface KnownDatabase {
  name: string;
  /** Null: it is in none. */
  jurisdiction: string | null;
}

/** What `wrangler d1 list --json` prints; null where this is something else. */
export function databasesIn(json: string): KnownDatabase[] | null {
  try {
    const databases: unknown = JSON.parse(json);
    if (!Array.isArray(databases)) return null;
    return databases.map((database) => ({ name: String(database?.name), jurisdiction: database?.jurisdiction ?? null }));
  } catch {
    return null;
  }
}

/** Why a deploy would put data where it is not to be, or would not find it; null: it does neither. */
export function flawOfPlace(place: DataPlace, configuration: string, there: KnownDatabase | undefined): string | null {
  const { jurisdiction, location } = place;
  const oneOf = (values: readonly string[]) => `one of ${values.join(', ')}`;
  if (jurisdiction !== undefined && !isOneOf(JURISDICTIONS, jurisdiction)) return `--jurisdiction takes ${oneOf(JURISDICTIONS)}.`;
  if (location !== undefined && !isOneOf(LOCATIONS, location)) return `--location takes ${oneOf(LOCATIONS)}.`;
  if (jurisdiction !== undefined && location !== undefined)
    return 'a jurisdiction decides the location: give --jurisdiction or --location.';
  if (there && location !== undefined) return 'the database is there already, and stays where it is: --location is for the first deploy.';
  const wanted = jurisdictionOf(place, configuration);
  if (!there || there.jurisdiction === wanted) return null;
  if (there.jurisdiction === null) {
    return `the database is in no jurisdiction, and ${wanted} can only be chosen by a first deploy. Export, deploy anew, and import (docs/export-import.md).`;
  }
  const said = `JURISDICTION = "${there.jurisdiction}" in wrangler.toml, or --jurisdiction ${there.jurisdiction}`;
  return `the database is in the jurisdiction ${there.jurisdiction}, and the Worker would look for its outboxes elsewhere. It needs ${said}.`;
}

/** What a first deploy creates, as commands of wrangler. Queues come first: a database that is there means that all of it is. */
export function creations(place: DataPlace, configuration: string): string[][] {
  const jurisdiction = jurisdictionOf(place, configuration);
  const database = ['d1', 'create', databaseOf(configuration)];
  if (jurisdiction === null) return [place.location === undefined ? database : [...database, '--location', place.location]];
  // Elsewhere the deploy makes them by itself, in no jurisdiction.
  const queues = [...new Set(Array.from(configuration.matchAll(/^queue = "([^"]+)"/gm), ([, name]) => String(name)))];
  return [...queues.map((name) => ['queues', 'create', name]), database].map((command) => [...command, '--jurisdiction', jurisdiction]);
}

/** Where the data of a deployment is to be: the flag counts, and else what the configuration says. */
function jurisdictionOf({ jurisdiction }: DataPlace, configuration: string): string | null {
  return jurisdiction ?? (/^\s*JURISDICTION\s*=\s*"([^"]*)"/m.exec(configuration)?.[1] || null);
}

function isOneOf(values: readonly string[], value: string): boolean {
  return values.includes(value);
}
