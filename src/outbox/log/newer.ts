import type { DeliveryFilter, DeliveryPosition } from '../../domain/delivery/delivery.ts';
import { COLUMNS, type Row, type StoredDelivery, toStored } from '../books/delivery-row.ts';
import type { Store } from '../books/store.ts';
import { canBeArchived } from './answers.ts';
import { isBefore, newestFirst, placeBefore } from './archive.ts';

/** How many rows, and how many archived deliveries, are looked at for the one that stands above another in a filtered list. */
const MAX_SCANNED = 2_000;
const STEP_ROWS = 101;

const PAGE = `SELECT ${COLUMNS} FROM deliveries WHERE (created_at, id) > (?, ?) AND created_at < ? ORDER BY created_at, id LIMIT ?`;

/** The log from a place on, towards what is newer: as far as one look goes. */
export class NewerDeliveries {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The first delivery after a place that fits; null where there is none near. @param fits also judges what is in memory */
  find(filter: DeliveryFilter, after: DeliveryPosition, inMemory: readonly StoredDelivery[], fits: (delivery: StoredDelivery) => boolean) {
    const { to = Number.MAX_SAFE_INTEGER } = filter;
    const isAfter = (each: StoredDelivery) => isBefore(after, each) && each.createdAt < to;
    const found = [...inMemory].filter((each) => isAfter(each) && fits(each));
    if (!this.#store.isEmpty) {
      const row = this.#rowAfter(after, to, fits);
      if (row) found.push(row);
      const archived = canBeArchived(filter) ? this.#archivedAfter(after, to, (each) => isAfter(each) && fits(each)) : null;
      if (archived) found.push(archived);
    }
    return found.sort(newestFirst).at(-1) ?? null;
  }

  #rowAfter(after: DeliveryPosition, to: number, fits: (delivery: StoredDelivery) => boolean): StoredDelivery | null {
    let { createdAt, id } = after;
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += STEP_ROWS) {
      const rows = this.#store.sql.exec<Row>(PAGE, createdAt, id, to, STEP_ROWS).toArray();
      const found = rows.map(toStored).find(fits);
      if (found) return found;
      const last = rows.at(-1);
      if (!last || rows.length < STEP_ROWS) return null;
      ({ created_at: createdAt, id } = last);
    }
    return null;
  }

  /** Bundles overlap: a later one can have an earlier delivery, by as much as one spans. */
  #archivedAfter({ createdAt }: DeliveryPosition, to: number, fits: (delivery: StoredDelivery) => boolean): StoredDelivery | null {
    let scanned = 0;
    let best: StoredDelivery | null = null;
    for (const { deliveries } of this.#store.archive.after(placeBefore(createdAt), to)) {
      const beginsAt = Math.min(...deliveries.map((each) => each.createdAt));
      if (scanned >= MAX_SCANNED || (best && beginsAt > best.createdAt)) return best;
      scanned += deliveries.length;
      for (const each of deliveries) if (fits(each) && (!best || isBefore(each, best))) best = each;
    }
    return best;
  }
}
