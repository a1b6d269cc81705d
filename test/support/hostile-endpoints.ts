import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { UNTRUSTED_CERTIFICATE, UNTRUSTED_KEY } from './untrusted-certificate.ts';

/*
 * Endpoints that mean harm, on bare sockets, since Node's HTTP server would not send most of this. The first segment of the path names the
 * behaviour, the second is anything that tells one connection from the others: `GET /seen/<it>` says what became of it.
 */

/** What became of a connection. */
export interface Seen {
  /** Bytes that the kernel has taken from the endpoint. */
  sentBytes: number;
  /** Whether the other side has left. */
  closed: boolean;
}

/** Zeros that a bomb unpacks to. */
const BOMB_BYTES = 200_000_000;
const KILOBYTE = 'x'.repeat(1_000);
const OK = 'HTTP/1.1 200 OK\r\n';

type Behaviour = (socket: Socket) => void;

/** Writes for as long as the other side takes it. */
function flood(socket: Socket, chunk: string | Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
    if (!socket.destroyed) socket.once('drain', more);
  };
  more();
}

function drip(socket: Socket, chunk: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(chunk), everyMs);
  socket.once('close', () => clearInterval(timer));
}

const whole = (head: string, body = ''): Behaviour => {
  return (socket) => socket.end(`${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
};
const raw = (bytes: string | Buffer): Behaviour => {
  return (socket) => socket.end(bytes);
};
const redirect = (status: number, location: string) => whole(`HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\n`);
const bomb = (encoding: string, packed: () => Buffer): Behaviour => {
  let body: Buffer | undefined;
  return (socket) => {
    body ??= packed();
    socket.write(`${OK}Content-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`);
    socket.end(body);
  };
};
const headers = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => `${line(index)}\r\n`).join('');

export const BEHAVIOURS = {
  'endless-body': (socket) => {
    socket.write(`${OK}Connection: close\r\n\r\n`);
    flood(socket, Buffer.alloc(64_000, 'x'));
  },
  'endless-chunks': (socket) => {
    socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`);
    flood(socket, `3e8\r\n${KILOBYTE}\r\n`.repeat(64));
  },
  'dripping-body': (socket) => {
    socket.write(`${OK}Content-Length: 1000000\r\n\r\n`);
    drip(socket, 'drip', 20);
  },
  'dripping-headers': (socket) => {
    socket.write(`${OK}X-Slow: `);
    drip(socket, 'x', 20);
  },
  'dripping-status-line': (socket) => drip(socket, 'H', 20),
  'endless-headers': (socket) => {
    socket.write(OK);
    flood(
      socket,
      headers(64, (index) => `X-${index}: ${KILOBYTE}`),
    );
  },
  'endless-header-value': (socket) => {
    socket.write(`${OK}X-Long: `);
    flood(socket, KILOBYTE.repeat(64));
  },
  // In bursts: without a pause the local runtime reads on and looks at no timer for as long as 20 s.
  'endless-informational': (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(50), 5),
  'many-informational': (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20));
    whole(OK, 'at last')(socket);
  },
  'gzip-bomb': bomb('gzip', () => gzipSync(Buffer.alloc(BOMB_BYTES), { level: 1 })),
  'brotli-bomb': bomb('br', () => brotliCompressSync(Buffer.alloc(BOMB_BYTES), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
  'broken-gzip': whole(`${OK}Content-Encoding: gzip\r\n`, 'this is no gzip'),
  'unknown-encoding': whole(`${OK}Content-Encoding: rot13\r\n`, 'uryyb'),
  'cookie-storm': whole(OK + headers(400, (index) => `Set-Cookie: c${index}=${'v'.repeat(100)}; HttpOnly`), 'crumbs'),
  'header-storm': whole(OK + headers(300, (index) => `X-${index}: ${'v'.repeat(150)}`)),
  'odd-headers': whole(`${OK}__proto__: polluted\r\nconstructor: polluted\r\nX-Latin: gr\u00fcezi\r\nX-Tab: a\tb\r\n`, 'odd'),
  'null-in-header': whole(`${OK}X-Null: a\0b\r\n`, 'null'),
  'bare-line-feeds': raw('HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n\nok'),
  'long-status-line': whole(`HTTP/1.1 200 ${'x'.repeat(64_000)}\r\n`),
  'no-http': raw('SSH-2.0-OpenSSH_9.9\r\n'),
  binary: raw(Buffer.from(Array.from({ length: 2_000 }, (_, index) => (index * 131) % 256))),
  nothing: raw(''),
  'status-99': whole('HTTP/1.1 99 Low\r\n'),
  'status-600': whole('HTTP/1.1 600 High\r\n'),
  'status-1000': whole('HTTP/1.1 1000 Long\r\n'),
  'switching-protocols': raw('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
  'negative-length': raw(`${OK}Content-Length: -1\r\n\r\nx`),
  'two-lengths': raw(`${OK}Content-Length: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxy`),
  'length-and-chunks': raw(`${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n`),
  'huge-length': raw(`${OK}Content-Length: 99999999999999999999\r\n\r\nx`),
  'bad-chunk': raw(`${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nx`),
  'cut-body': raw(`${OK}Content-Length: 100\r\n\r\nonly this`),
  'reset-in-body': (socket) => {
    socket.write(`${OK}Content-Length: 100\r\n\r\nonly this`, () => setTimeout(() => socket.resetAndDestroy(), 50));
  },
  'reset-in-headers': (socket) => {
    socket.write(`${OK}X-Cut: `, () => socket.resetAndDestroy());
  },
  'early-answer': whole(OK, 'early'),
  'early-refusal': whole('HTTP/1.1 413 Too Large\r\n', 'too large'),
  'not-modified': raw('HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n'),
  'multiple-choices': whole('HTTP/1.1 300 Multiple Choices\r\n'),
  'redirect-nowhere': whole('HTTP/1.1 302 Found\r\n'),
  'bad-header-line': raw('HTTP/1.1 200 OK\r\nthis is no header\r\nContent-Length: 0\r\n\r\n'),
  'redirect-301': redirect(301, 'http://169.254.169.254/latest/meta-data/'),
  'redirect-302': redirect(302, 'http://localhost:9/'),
  'redirect-303': redirect(303, 'http://[::1]:9/'),
  'redirect-307': redirect(307, 'https://metadata.google.internal/'),
  'redirect-308': redirect(308, 'file:///etc/passwd'),
  'redirect-to-itself': redirect(302, ''),
  'script-in-everything': whole(
    `HTTP/1.1 500 <script>alert(1)</script>\r\nX-Evil: <img src=x onerror=alert(1)>\r\nContent-Type: text/html\r\n`,
    '<script>alert(1)</script>',
  ),
} satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;

/** Those that answer as soon as they have seen the request's headers; the others take the body first. */
const EARLY: ReadonlySet<string> = new Set(['early-answer', 'early-refusal']);

function serve(seen: Map<string, Seen>): (socket: Socket) => void {
  return (socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    const read = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = received.subarray(0, headEnd).toString('latin1');
      const [, name = '', id = ''] = head.split(' ')[1]?.split('/') ?? [];
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (!EARLY.has(name) && received.length < headEnd + 4 + length) return;
      socket.off('data', read).resume();
      if (name === 'seen') return whole('HTTP/1.1 200 OK\r\n', JSON.stringify(seen.get(id) ?? null))(socket);
      const connection = { sentBytes: 0, closed: false };
      seen.set(id, connection);
      socket.once('close', () => Object.assign(connection, { sentBytes: socket.bytesWritten, closed: true }));
      (BEHAVIOURS[name as BehaviourName] as Behaviour)(socket);
    };
    socket.on('data', read);
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Starts the hostile endpoints, and one whose certificate nobody vouches for. */
export async function startHostileEndpoints(): Promise<{ hostileOrigin: string; untrustedOrigin: string }> {
  const seen = new Map<string, Seen>();
  const untrusted = createTlsServer({ cert: UNTRUSTED_CERTIFICATE, key: UNTRUSTED_KEY }, serve(seen));
  untrusted.on('tlsClientError', (_, socket) => socket.destroy());
  return {
    hostileOrigin: `http://127.0.0.1:${await listen(createServer(serve(seen)))}`,
    untrustedOrigin: `https://127.0.0.1:${await listen(untrusted)}`,
  };
}
