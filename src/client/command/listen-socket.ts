import { WebSocket } from 'ws';
import { CLOSE_CODES, type ForwardedDelivery, type LocalAnswer, type LocalFailure, PING, PING_EVERY_MS } from '../../listener/protocol.ts';

/** How long opening may take. */
const OPEN_TIMEOUT_MS = 15_000;

/**
 * How a connection ended.
 * - `gone`: the webhook is; there is nothing to connect to any more.
 * - `refused`: another try would end the same way, for the reason.
 * - `lost`: it is worth another try.
 */
export interface ConnectionEnd {
  kind: 'gone' | 'refused' | 'lost';
  reason: string;
  /** Whether it had been open. */
  wasOpen: boolean;
}

export interface SocketHandlers {
  opened(): void;
  /** A delivery came; what is answered goes back. */
  delivery(delivery: ForwardedDelivery): Promise<LocalAnswer | LocalFailure>;
}

/** Opens one connection of `listen`, and returns when it has ended. @param signal hangs up */
export async function holdConnection(url: URL, apiKey: string, handlers: SocketHandlers, signal: AbortSignal): Promise<ConnectionEnd> {
  const socket = new WebSocket(url.href, { headers: { 'X-API-Key': apiKey }, handshakeTimeout: OPEN_TIMEOUT_MS, followRedirects: false });
  const hangUp = () => socket.close(1000);
  signal.addEventListener('abort', hangUp, { once: true });
  let wasOpen = false;
  let status: number | undefined;
  let fault = 'the connection was lost';
  let isAlive = true;
  const pinging = setInterval(() => {
    if (!wasOpen) return;
    // Nothing came back since the last time: the other end is gone, though nobody has said so.
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.send(PING);
  }, PING_EVERY_MS);
  try {
    return await new Promise<ConnectionEnd>((resolve) => {
      socket.on('open', () => {
        wasOpen = true;
        handlers.opened();
      });
      socket.on('message', (data, isBinary) => {
        isAlive = true;
        const delivery = isBinary ? null : readDelivery(String(data));
        if (delivery)
          void handlers.delivery(delivery).then((answer) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(answer)));
      });
      socket.on('unexpected-response', (_request, response) => {
        status = response.statusCode;
        fault = `the service answered ${status}`;
        socket.terminate();
      });
      socket.on('error', (error) => (fault = status === undefined ? error.message : fault));
      socket.on('close', (code, reason) => resolve(endOf({ code, reason: String(reason), status, fault, wasOpen })));
    });
  } finally {
    clearInterval(pinging);
    signal.removeEventListener('abort', hangUp);
  }
}

interface Closed {
  code: number;
  reason: string;
  /** Of the answer, where it was not a WebSocket's. */
  status: number | undefined;
  fault: string;
  wasOpen: boolean;
}

function endOf({ code, reason, status, fault, wasOpen }: Closed): ConnectionEnd {
  if (code === CLOSE_CODES.gone || status === 404) return { kind: 'gone', reason: reason || fault, wasOpen };
  const isFinal = code === CLOSE_CODES.keyEnded || code === CLOSE_CODES.replaced || (status !== undefined && status >= 400 && status < 429);
  return { kind: isFinal ? 'refused' : 'lost', reason: reason || fault, wasOpen };
}

/** What comes is a delivery, or the answer to a ping. */
function readDelivery(text: string): ForwardedDelivery | null {
  try {
    const message = JSON.parse(text) as ForwardedDelivery;
    return message.type === 'delivery' ? message : null;
  } catch {
    return null;
  }
}
