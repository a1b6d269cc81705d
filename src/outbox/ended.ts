import type { AttemptResult } from '../attempt/attempt.ts';
import { causeOf } from '../domain/delivery/failure.ts';
import { isTestEvent } from '../domain/ids.ts';
import type { CountName, Figures } from '../domain/service/figures.ts';
import { takeFaults } from '../log.ts';
import type { StoredDelivery } from './books/delivery-row.ts';

/**
 * What has ended in an outbox since it last told: whoever calls it next (a consumer, the cron) takes that along for the Meter. In memory alone: an
 * object that vanishes takes it with it.
 */
export class Ended {
  #counts: Figures['counts'] = {};

  /** An attempt has ended. @param delivery as it stands now */
  attempt({ eventId, state }: StoredDelivery, { record }: AttemptResult): void {
    if (isTestEvent(eventId)) return;
    this.#count(record.outcome === 'failed' ? causeOf(record) : record.outcome);
    if (state.status === 'delivered' || state.status === 'failed') this.#count(state.status);
    else if (state.status === 'retrying') this.#count('retried');
  }

  /** What there is to tell, with the faults that this isolate has logged. */
  take(): Figures {
    const counts = this.#counts;
    this.#counts = {};
    return { counts, faults: takeFaults() };
  }

  #count(name: CountName): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
  }
}
