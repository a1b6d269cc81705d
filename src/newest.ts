/** Drops a map's first entries, until it has no more than so many: what is put in anew each time it is used is dropped last. */
export function keepNewest(map: Map<unknown, unknown>, most: number): void {
  for (const first of map.keys()) {
    if (map.size <= most) break;
    map.delete(first);
  }
}
