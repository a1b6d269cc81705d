/** What the receiver kept of a request. */
export interface ReceivedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  bodyBase64: string;
  atMs: number;
}

/** One answer in an inbox's script. */
export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  bodyBase64?: string;
  delayMs?: number;
  /** Never answers. */
  hang?: boolean;
  /** Answers when it is released, under this name, and as that says. */
  held?: string;
  /** Closes the connection instead of answering. */
  reset?: boolean;
  /** A body that never ends. */
  endless?: { chunk: string; everyMs: number };
}

/** One inbox of the receiver, as tests use it; works in Node and in the Workers runtime. */
export interface Inbox {
  /** The endpoint's URL. */
  url: string;
  script(replies: Reply[]): Promise<void>;
  /** Answers a request that was held. */
  release(held: string, reply: Reply): Promise<void>;
  requests(): Promise<ReceivedRequest[]>;
  /** Waits until `count` requests have arrived (and no longer than the test's own limit). */
  arrived(count: number): Promise<ReceivedRequest[]>;
}

export function inbox(origin: string, name: string = crypto.randomUUID()): Inbox {
  const requests = async (): Promise<ReceivedRequest[]> => (await fetch(`${origin}/inbox/${name}`)).json();
  const put = async (path: string, value: unknown) => {
    const response = await fetch(`${origin}/${path}`, { method: 'PUT', body: JSON.stringify(value) });
    await response.text();
  };
  // The receiver has one set of such names; tests that run at the same time are not to release each other's requests.
  const ownName = (held: string) => `${name}-${held}`;
  return {
    url: `${origin}/to/${name}`,
    script: (replies) =>
      put(
        `script/${name}`,
        replies.map((reply) => (reply.held === undefined ? reply : { ...reply, held: ownName(reply.held) })),
      ),
    release: (held, reply) => put(`release/${ownName(held)}`, reply),
    requests,
    async arrived(count) {
      for (;;) {
        const received = await requests();
        if (received.length >= count) return received;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}

/** The body of a received request, byte for byte. */
export function bodyBytes(request: ReceivedRequest): Uint8Array {
  return Uint8Array.from(atob(request.bodyBase64), (character) => character.charCodeAt(0));
}
