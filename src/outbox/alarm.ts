import { within } from '../within.ts';

/** How long the setting of an alarm may take. */
const TIMEOUT_MS = 5_000;

/**
 * An outbox's one alarm. It may fire too early, and for nothing: each setting is billed as a row, and is spared where it is set
 * early enough already.
 */
export class OutboxAlarm {
  readonly #storage: DurableObjectStorage;
  /** When it is set for, as far as this instance knows. */
  #setFor: number | null = null;
  /** The setting of it: whoever relies on it waits for it, since one that fails is none. */
  #setting: Promise<void> = Promise.resolve();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Asks the storage whether it is set. */
  async load(): Promise<void> {
    this.#setFor = await this.#storage.getAlarm();
  }

  /** Sees to it that it is set for a time or earlier. Throws where it could not be set. */
  async setBy(at: number): Promise<void> {
    // A millisecond ahead: an alarm set for now within alarm() can stall.
    const time = Math.max(at, Date.now() + 1);
    if (this.#setFor === null || this.#setFor > time) this.#setting = this.#set(time);
    await this.#setting;
  }

  /** It has fired, is not trusted to, or is gone: it is set anew when it is next needed. */
  forget(): void {
    this.#setFor = null;
  }

  async #set(at: number): Promise<void> {
    this.#setFor = at;
    try {
      await within(TIMEOUT_MS, this.#storage.setAlarm(at));
    } catch (error) {
      // Nothing may pass for set that is not: who is told so sets it anew, or has the queue deliver again.
      if (this.#setFor === at) this.#setFor = null;
      throw error;
    }
  }
}
