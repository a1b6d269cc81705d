import type { AttemptTrigger, DeliveryPosition } from '../../domain/delivery/delivery.ts';
import { type Circuit, closedCircuit } from '../../domain/endpoint/circuit.ts';

const KEY = 'vitals';
/** Where versions before kept the circuit alone. */
const FORMER_KEY = 'circuit';

/** An attempt of a stored delivery that runs. */
export interface RunningAttempt extends DeliveryPosition {
  number: number;
  trigger: AttemptTrigger;
  startedAt: number;
  /** Missing in what earlier versions have stored. */
  url?: string;
}

interface Values {
  circuit: Circuit;
  running: RunningAttempt[];
  /** After a fault of ours nothing begins before this; milliseconds since the epoch. */
  notBefore: number;
  /** Which fresh start of the owner's the circuit is of (WebhookConfig.freshSince). Missing in what earlier versions have stored. */
  freshSince?: number;
  /** Whether the service has disabled the webhook since. */
  hasDisabled?: boolean;
}

/**
 * What an outbox must know that is loaded anew, beyond its deliveries: how its endpoint stands, which attempts of stored deliveries ran
 * when it vanished, and whether a fault of ours still holds it up. One stored value, so that an attempt's end changes all of it in one
 * billed row: save() is called once a turn.
 */
export class Vitals {
  readonly #kv: SyncKvStorage;
  #values: Values;
  #isSaved = true;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
    const former = () => ({ circuit: kv.get<Circuit>(FORMER_KEY) ?? closedCircuit(0), running: [], notBefore: 0 });
    this.#values = kv.get<Values>(KEY) ?? former();
  }

  get circuit(): Circuit {
    return this.#values.circuit;
  }

  set circuit(circuit: Circuit) {
    this.#set({ circuit });
  }

  get notBefore(): number {
    return this.#values.notBefore;
  }

  set notBefore(notBefore: number) {
    this.#set({ notBefore });
  }

  get freshSince(): number {
    return this.#values.freshSince ?? 0;
  }

  set freshSince(freshSince: number) {
    this.#set({ freshSince, hasDisabled: false });
  }

  /** Whether the service has disabled the webhook since: that is told once. */
  get hasDisabled(): boolean {
    return this.#values.hasDisabled ?? false;
  }

  /** The service has disabled the webhook. */
  disabled(): void {
    this.#set({ hasDisabled: true });
  }

  get running(): readonly RunningAttempt[] {
    return this.#values.running;
  }

  began(attempt: RunningAttempt): void {
    this.#set({ running: [...this.#values.running, attempt] });
  }

  ended(deliveryId: string): void {
    const { running } = this.#values;
    if (running.some(({ id }) => id === deliveryId)) this.#set({ running: running.filter(({ id }) => id !== deliveryId) });
  }

  /** Keeps what has changed. */
  save(): void {
    if (this.#isSaved) return;
    this.#kv.put(KEY, this.#values);
    this.#isSaved = true;
  }

  /** The storage has been emptied. */
  reset(): void {
    this.#values = { circuit: closedCircuit(0), running: [], notBefore: 0 };
    this.#isSaved = true;
  }

  #set(change: Partial<Values>): void {
    this.#values = { ...this.#values, ...change };
    this.#isSaved = false;
  }
}
