import type { AttemptResult } from '../attempt/attempt.ts';
import { causeOf } from '../domain/delivery/failure.ts';
import { isTestEvent } from '../domain/ids.ts';
import type { CountName, Figures } from '../domain/service/figures.ts';
import { hasFaults, takeFaults } from '../log.ts';
import { tellMeter } from '../meter/meter-object.ts';
import { within } from '../within.ts';
import type { StoredDelivery } from './books/delivery-row.ts';

const TELL_TIMEOUT_MS = 5_000;

/**
 * What has ended in an outbox since it last told: whoever calls it next (a consumer, the cron) takes that along for the Meter, at no cost. In memory
 * alone: an object that vanishes takes it with it, as one does that is idle for 10 s (Durable Objects). So what ends without a call, and has rows of
 * its own anyway, the outbox tells by itself.
 */
export class Ended {
  #counts: Figures['counts'] = {};
  /** Whether there is more than first attempts that succeeded: these are to cost no call of their own. */
  #isWorthACall = false;

  /**
   * An attempt has ended.
   * @param delivery as it stands now
   * @param isFirst whether it was made from memory, as first ones are
   */
  attempt({ eventId, state }: StoredDelivery, { record }: AttemptResult, isFirst: boolean): void {
    if (isTestEvent(eventId)) return;
    if (!isFirst || record.outcome !== 'succeeded') this.#isWorthACall = true;
    this.#count(record.outcome === 'failed' ? causeOf(record) : record.outcome);
    if (state.status === 'delivered' || state.status === 'failed') this.#count(state.status);
    else if (state.status === 'retrying') this.#count('retried');
  }

  /** What there is to tell, with the faults that this isolate has logged. */
  take(): Figures {
    const counts = this.#counts;
    this.#counts = {};
    this.#isWorthACall = false;
    return { counts, faults: takeFaults() };
  }

  /**
   * Tells the Meter now, where there are retries, failed attempts or faults: at once, since an object that waits for more is billed, a second of it
   * like ten calls.
   */
  async tell(env: Env): Promise<void> {
    if (!this.#isWorthACall && !hasFaults()) return;
    await tellMeter(env, { ...this.take(), organizations: [] }, (work) => within(TELL_TIMEOUT_MS, work));
  }

  #count(name: CountName): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
  }
}
