/** Attempts at a time in one object. Workers: six connections waiting for headers; one is left for D1 and the queues. */
export const CONNECTIONS = 5;

/** A number of connections, each held by one piece of work at a time; whoever finds none waits in line. */
export class Connections {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#line.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
