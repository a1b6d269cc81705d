import type { AttemptRecord, DeliveryFilter } from '../../domain/delivery/delivery.ts';
import { answeredSo, isAboutSuccess } from '../../domain/delivery/response-filter.ts';
import type { StoredDelivery } from '../books/delivery-row.ts';

/** Whose last attempt a page looks at, at most: beyond them it ends short. */
const MAX_LOOKED_AT = 200;

/** Whether what is archived, delivered at the first attempt, can fit a filter. */
export function canBeArchived({ status, response, minAttempts = 0 }: DeliveryFilter): boolean {
  return (status === undefined || status === 'delivered') && minAttempts < 2 && (response === undefined || isAboutSuccess(response));
}

/** What a filter says of a delivery's attempts: how many they are, and how the last was answered. */
export class Answers {
  readonly #filter: DeliveryFilter;
  readonly #attemptsOf: (delivery: StoredDelivery) => readonly AttemptRecord[];
  #lookedAt = 0;

  /** @param attemptsOf those that have ended, in their order */
  constructor(filter: DeliveryFilter, attemptsOf: (delivery: StoredDelivery) => readonly AttemptRecord[]) {
    this.#filter = filter;
    this.#attemptsOf = attemptsOf;
  }

  /** Whether a page has looked at as much as it may. */
  get isSpent(): boolean {
    return this.#lookedAt >= MAX_LOOKED_AT;
  }

  fit(delivery: StoredDelivery): boolean {
    const { minAttempts = 0, response } = this.#filter;
    const { attemptCount, lastResponseStatus } = delivery.state;
    if (attemptCount < minAttempts) return false;
    if (response === undefined) return true;
    // Where no answer came the row does not say why.
    return attemptCount > 0 && answeredSo(response, lastResponseStatus, () => this.#errorOf(delivery));
  }

  #errorOf(delivery: StoredDelivery): string | null {
    this.#lookedAt++;
    const last = this.#attemptsOf(delivery).at(-1);
    return last === undefined || last.outcome === 'interrupted' ? null : last.error;
  }
}
