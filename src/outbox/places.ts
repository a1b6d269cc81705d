import { CONNECTIONS } from '../attempt/connections.ts';

/** Connections for attempts: an object's own, and as many again with each courier. Place 0 is the object itself, 1 its first courier … */
export class Places {
  readonly #inUse: number[];

  /** @param most attempts at a time; a courier more is kept for what a person asks for */
  constructor(most: number) {
    this.#inUse = new Array<number>(Math.ceil(most / CONNECTIONS) + 1).fill(0);
  }

  /** Takes a connection where the fewest couriers are needed; null where none is free. */
  take(): number | null {
    const place = this.#inUse.findIndex((used) => used < CONNECTIONS);
    if (place === -1) return null;
    this.#inUse[place] = (this.#inUse[place] as number) + 1;
    return place;
  }

  free(place: number): void {
    this.#inUse[place] = (this.#inUse[place] as number) - 1;
  }
}
