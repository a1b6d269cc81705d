import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * How an endpoint behaves, until it is mended.
 * - `healthy`: answers.
 * - `stumbling`: fails each delivery's first none to three attempts.
 * - `slow`: answers after up to 1.2 s, so that attempts are leased.
 * - `hanging`: never answers.
 * - `flapping`: fails for 2 s, answers for 1.5 s.
 * - `dead`: refuses everything, so that the circuit opens.
 * - `resetting`: takes the request and closes the connection.
 */
export const BEHAVIOURS = ['healthy', 'stumbling', 'slow', 'hanging', 'flapping', 'dead', 'resetting'] as const;
export type EndpointBehaviour = (typeof BEHAVIOURS)[number];

const SLOWEST_MS = 1_200;
const DOWN_MS = 2_000;
const UP_MS = 1_500;

/** A request that arrived, and what was answered, if anything was. */
export interface Arrived {
  deliveryId: string;
  eventId: string;
  attempt: number;
  body: string;
  atMs: number;
  answered: number | null;
}

/** Endpoints at `<origin>/<behaviour>/…`. */
export interface UnsteadyEndpoints {
  origin: string;
  arrived: readonly Arrived[];
  /** From now on all of them answer. */
  mend(): void;
  close(): Promise<void>;
}

export async function startUnsteadyEndpoints(): Promise<UnsteadyEndpoints> {
  const arrived: Arrived[] = [];
  const attemptsOf = new Map<string, number>();
  let mended = false;
  const server = createServer(async (request, response) => {
    const { headers, url = '' } = request;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      // The runtime was killed while it sent: nothing has arrived.
      return;
    }
    const deliveryId = String(headers['x-bullseye-delivery']);
    const nth = (attemptsOf.get(deliveryId) ?? 0) + 1;
    attemptsOf.set(deliveryId, nth);
    const seen: Arrived = {
      deliveryId,
      eventId: String(headers['webhook-id']),
      attempt: Number(headers['x-bullseye-attempt']),
      body: Buffer.concat(chunks).toString(),
      atMs: Date.now(),
      answered: null,
    };
    arrived.push(seen);
    const answer = (status: number) => {
      if (!response.writable || response.destroyed) return;
      seen.answered = status;
      response.writeHead(status).end();
    };
    if (mended) answer(204);
    else behave(url.split('/')[1] as EndpointBehaviour, { deliveryId, nth, answer, response });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    mend: () => {
      mended = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Request {
  deliveryId: string;
  nth: number;
  answer(status: number): void;
  response: ServerResponse;
}

function behave(behaviour: EndpointBehaviour, { deliveryId, nth, answer, response }: Request): void {
  const number = numberOf(deliveryId);
  if (behaviour === 'stumbling') answer(nth <= number % 4 ? 500 : 204);
  else if (behaviour === 'slow') setTimeout(() => answer(204), (number * nth) % SLOWEST_MS);
  else if (behaviour === 'flapping') answer(Date.now() % (DOWN_MS + UP_MS) < DOWN_MS ? 503 : 204);
  else if (behaviour === 'dead') answer(500);
  else if (behaviour === 'resetting') response.destroy();
  else if (behaviour === 'healthy') answer(204);
}

/** A number that belongs to a text. */
function numberOf(text: string): number {
  let number = 7;
  for (const character of text) number = (number * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return number;
}
