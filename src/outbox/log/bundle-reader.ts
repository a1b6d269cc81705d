import { type Contents, type DeliveryPosition, sizeOf } from '../../domain/delivery/delivery.ts';
import type { Archive } from './archive.ts';
import { allContentsOf } from './bundle.ts';

/** Bundles that stay open. Those of several calls at a time overlap; one has about 1 MB at most. */
const MOST_OPEN = 8;

/** Reads what archived deliveries carry that stand near each other in the log: a bundle is opened once for all of them. */
export class BundleReader {
  readonly #archive: Archive;
  /** The latest first. */
  #open: Map<string, Contents>[] = [];
  /** How much was read so far. */
  bytes = 0;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** What a delivery carries; null where it is not archived. */
  contents(position: DeliveryPosition): Contents | null {
    const { id } = position;
    return (this.#open.find((bundle) => bundle.has(id)) ?? this.#bundleOf(position))?.get(id) ?? null;
  }

  #bundleOf(position: DeliveryPosition): Map<string, Contents> | null {
    const row = this.#archive.bundleOf(position);
    if (!row) return null;
    const bundle = allContentsOf(row.heads, row.bodies);
    for (const contents of bundle.values()) this.bytes += sizeOf(contents);
    this.#open = [bundle, ...this.#open].slice(0, MOST_OPEN);
    return bundle;
  }
}
