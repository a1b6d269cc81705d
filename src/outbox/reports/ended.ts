import type { AttemptResult } from '../../attempt/attempt.ts';
import { causeOf } from '../../domain/delivery/failure.ts';
import type { Circuit } from '../../domain/endpoint/circuit.ts';
import { isTestEvent } from '../../domain/ids.ts';
import type { CountName, EndpointState, Figures } from '../../domain/service/figures.ts';
import { hasFaults, takeFaults } from '../../log.ts';
import { tellMeter } from '../../meter/meter-object.ts';
import { within } from '../../within.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';

const TELL_TIMEOUT_MS = 5_000;
/** While attempts run there is soon more to tell: an outbox that does not rest tells by itself no more often. */
const TELL_EVERY_MS = 60_000;

/**
 * What has ended in an outbox since it last told: whoever calls it next (a consumer, the cron) takes that along for the Meter, at no cost. In memory
 * alone: an object that vanishes takes it with it, as one does that is idle for 10 s (Durable Objects). So what ends without a call, and has rows of
 * its own anyway, the outbox tells by itself. A first attempt that succeeds after its call was answered has none: where nobody calls again in time it
 * is not counted, since all that would remember it costs a row or a call.
 */
export class Ended {
  readonly #webhookId: string;
  #counts: Figures['counts'] = {};
  /** Whether there is more than first attempts that succeeded: these are to cost no call of their own. */
  #isWorthACall = false;
  /** Why an attempt failed last. */
  #failure: Pick<EndpointState, 'cause' | 'status'> = { cause: null, status: null };
  /** Whether it was told that the endpoint fails, and not yet that it no longer does. */
  #isTakenToFail = false;
  /** When it last told the Meter by itself. */
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(webhookId: string) {
    this.#webhookId = webhookId;
  }

  /**
   * An attempt has ended.
   * @param delivery as it stands now
   * @param isFirst whether it was made from memory, as first ones are
   */
  attempt({ eventId, state }: StoredDelivery, { record }: AttemptResult, isFirst: boolean): void {
    if (isTestEvent(eventId)) return;
    if (!isFirst || record.outcome !== 'succeeded') this.#isWorthACall = true;
    if (record.outcome === 'failed') {
      const cause = causeOf(record);
      this.#failure = { cause, status: record.responseStatus };
      this.#count(cause);
    } else this.#count(record.outcome);
    if (state.status === 'delivered' || state.status === 'failed') this.#count(state.status);
    else if (state.status === 'retrying') this.#count('retried');
  }

  /** What there is to tell, with the faults that this isolate has logged. @param circuit how the endpoint stands */
  take(circuit: Circuit): Figures {
    const [counts, endpoints] = [this.#counts, this.#endpoints(circuit)];
    this.#counts = {};
    this.#isWorthACall = false;
    return { counts, faults: takeFaults(), ...(endpoints && { endpoints }) };
  }

  /** Whether there is something to tell that should not wait for what runs: an endpoint that does not answer can keep attempts running for minutes. */
  isOverdue(now: number): boolean {
    return this.#isWorthACall && now - this.#toldAt >= TELL_EVERY_MS;
  }

  /**
   * Tells the Meter now, where there are retries, failed attempts or faults: at once, since an object that waits for more is billed, a second of it
   * like ten calls.
   */
  async tell(env: Env, circuit: Circuit): Promise<void> {
    if (!this.#isWorthACall && !hasFaults()) return;
    this.#toldAt = Date.now();
    await tellMeter(env, { ...this.take(circuit), organizations: [] }, (work) => within(TELL_TIMEOUT_MS, work));
  }

  /** How the endpoint stands, where that is news: after what is worth a call, and when it no longer fails. */
  #endpoints({ health, failingSince }: Circuit): EndpointState[] | null {
    const fails = failingSince !== null;
    if (!this.#isWorthACall && (fails || !this.#isTakenToFail)) return null;
    this.#isTakenToFail = fails;
    const { cause, status } = fails ? this.#failure : { cause: null, status: null };
    return [{ webhookId: this.#webhookId, at: Date.now(), health, failingSince, cause, status }];
  }

  #count(name: CountName): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
  }
}
