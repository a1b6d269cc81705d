import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { nowMs } from './statistics.ts';

/*
 * Endpoints of the bench, in a process of their own, so that what they do does not disturb the measuring: `fork`ed, told what
 * to do by messages. Sick and healthy endpoints run in two of them, so that neither disturbs the other.
 */

/** How the endpoints answer. */
export type Behaviour =
  /** Answers 200: at once, or after as long as `answer-after` says. */
  | 'answer'
  /** Never answers. */
  | 'hang'
  /** The headers of a 200 at once, then one byte of the body a second. */
  | 'drip'
  /** One byte of the status line and headers a second. */
  | 'drip-headers'
  /** Takes the request and closes the connection. */
  | 'reset'
  | 'fail'
  /** Answers 200 after 5 s: slow, and none of it an error. */
  | 'slow';

/** A request that arrived. */
export interface Arrival {
  eventId: string;
  atMs: number;
}

export type Order =
  | { kind: 'behave'; behaviour: Behaviour }
  | { kind: 'answer-after'; delayMs: number }
  | { kind: 'report' }
  | { kind: 'count' }
  | { kind: 'forget' };
export type Report = { kind: 'listening'; origin: string } | { kind: 'arrivals'; arrivals: Arrival[] } | { kind: 'counted'; count: number };

const DRIP_EVERY_MS = 1_000;
const SLOW_MS = 5_000;
const DRIPPED_HEADERS = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nX-Filler: 0123456789\r\n\r\n');

let behaviour: Behaviour = 'answer';
let answerAfterMs = 0;
let arrivals: Arrival[] = [];

const answering = createServer((request, response) => {
  // When the head is here: a body of a kilobyte comes with it.
  const id = request.headers['webhook-id'];
  arrivals.push({ eventId: String(id), atMs: nowMs() });
  const { socket } = request;
  request.resume();
  if (behaviour === 'hang') return;
  if (behaviour === 'reset') socket.resetAndDestroy();
  else if (behaviour === 'fail') response.writeHead(500).end('out of order');
  else if (behaviour === 'drip') {
    response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders();
    every(socket, () => response.write('.'));
  } else if (behaviour === 'drip-headers') {
    let sent = 0;
    every(socket, () => socket.write(DRIPPED_HEADERS.subarray(sent, ++sent)));
  } else {
    const delayMs = behaviour === 'slow' ? SLOW_MS : answerAfterMs;
    const thank = () => response.writeHead(200).end('thank you');
    if (delayMs > 0) setTimeout(thank, delayMs);
    else thank();
  }
});

/** Does something now and every second until the other side has gone. */
function every(socket: Socket, act: () => void): void {
  act();
  const timer = setInterval(act, DRIP_EVERY_MS);
  socket.once('close', () => clearInterval(timer));
  socket.on('error', () => {});
}

process.on('message', (order: Order) => {
  if (order.kind === 'behave') behaviour = order.behaviour;
  else if (order.kind === 'answer-after') answerAfterMs = order.delayMs;
  else if (order.kind === 'forget') arrivals = [];
  else if (order.kind === 'count') tell({ kind: 'counted', count: arrivals.length });
  else tell({ kind: 'arrivals', arrivals });
});
// The bench has ended, however it did.
process.on('disconnect', () => process.exit());

listen(answering);

function listen(server: Server): void {
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => tell({ kind: 'listening', origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
}

function tell(report: Report): void {
  process.send?.(report);
}
