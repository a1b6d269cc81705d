import { type ApiError, type Client, createClient } from '../client.ts';

/** Options that every command has. */
export interface SharedOptions {
  json?: boolean;
  url?: string;
  organization?: string;
}

/** Who asks, of which service, and how it is shown. */
export interface Session {
  client: Client;
  apiKey: string;
  baseUrl: URL;
  /** Absent: the key's own. */
  organizationId: string | undefined;
  /** Whether answers are for programs: JSON, as the API has them. */
  json: boolean;
  say(line: string): void;
}

/** The command was not given what it needs, or something that it cannot read. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** @param options as they were given; `BULLSEYE_URL` and `BULLSEYE_API_KEY` are read here */
export function sessionOf({ json = false, url, organization }: SharedOptions, env = process.env): Session {
  const apiKey = env.BULLSEYE_API_KEY?.trim();
  if (!apiKey) throw new UsageError('Set BULLSEYE_API_KEY to an API key of your organization.');
  const address = url ?? env.BULLSEYE_URL?.trim();
  if (!address)
    throw new UsageError('Set BULLSEYE_URL to the address of the service, such as https://webhooks.example.com, or say it with --url.');
  const baseUrl = URL.parse?.(address) ?? parsed(address);
  if (!baseUrl || !/^https?:$/.test(baseUrl.protocol)) throw new UsageError(`"${address}" is not an address with http or https.`);
  return {
    client: createClient({ apiKey, baseUrl }),
    apiKey,
    baseUrl,
    organizationId: organization,
    json,
    say: (line) => process.stdout.write(`${line}\n`),
  };
}

/** `URL.parse` came with Node 22. */
function parsed(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

/** Shows an answer: to programs as it is, to people in these lines. */
export function show({ json, say }: Session, answer: unknown, lines: () => string | string[]): void {
  if (json) say(JSON.stringify(answer));
  else for (const line of [lines()].flat()) say(line);
}

/** An error as a person reads it. */
export function errorLine(error: ApiError): string {
  const { message, code, requestId } = error;
  return `${message} (${code}${code === 'internal_error' && requestId ? `, ${requestId}` : ''})`;
}
