import { logError, logWarning } from '../../log.ts';
import { keepNewest } from '../../newest.ts';
import { within } from '../../within.ts';
import { ApiError } from '../errors.ts';

/** How long a network is refused once it has presented too many tokens that open nothing (wrangler.toml: FAILED_KEYS). */
const REFUSED_MS = 10_000;
/**
 * While it is refused, one token that this isolate has not seen is looked up so often, whoever's it is. A valid one from an address that
 * it shares with a flood of guesses has to win that turn once; from then on it is known here and passes.
 */
const TURN_MS = 1_000;
/** Most networks remembered; the ones refused first go first. */
const MAX_NETWORKS = 10_000;
/** How long the count may take. */
const TIMEOUT_MS = 500;

interface Refused {
  until: number;
  /** When the next token of the network that is not known here may be looked up. */
  nextTurnAt: number;
}

/**
 * Tokens that open nothing (API keys, sessions, sign-in links), by the network they come from. What guesses cost is bounded, the
 * database's look-ups above all; a token that is known to open something passes without a count or a call, whatever others send from
 * the same address.
 */
class Guesses {
  readonly #refused = new Map<string, Refused>();

  /** Before a token that is not known here is looked up: 429 where its network is refused and it is not its turn. */
  requireTurn(network: string | null, nowMs: number): void {
    const refused = this.#find(network, nowMs);
    if (!refused) return;
    if (nowMs < refused.nextTurnAt) throw tooManyGuesses(refused, nowMs);
    refused.nextTurnAt = nowMs + TURN_MS;
  }

  /** A token has opened nothing: 429 where its network has presented too many of them. */
  async failed(limiter: RateLimit, network: string | null, nowMs: number): Promise<void> {
    if (network === null) return;
    const refused = this.#find(network, nowMs) ?? (await this.#count(limiter, network, nowMs));
    if (refused) throw tooManyGuesses(refused, nowMs);
  }

  #find(network: string | null, nowMs: number): Refused | null {
    const refused = network === null ? undefined : this.#refused.get(network);
    return refused && nowMs < refused.until ? refused : null;
  }

  /** A limiter that is down must not take the API with it. */
  async #count(limiter: RateLimit, network: string, nowMs: number): Promise<Refused | null> {
    try {
      const { success } = await within(TIMEOUT_MS, limiter.limit({ key: network }));
      if (success) return null;
    } catch (error) {
      logError('api.key_guesses_not_counted', error);
      return null;
    }
    logWarning('api.key_guesses_refused', { network });
    const refused = { until: nowMs + REFUSED_MS, nextTurnAt: nowMs };
    this.#refused.delete(network);
    this.#refused.set(network, refused);
    keepNewest(this.#refused, MAX_NETWORKS);
    return refused;
  }
}

/** All kinds count together: who guesses one is not to go on with another. */
export const guesses = new Guesses();

function tooManyGuesses({ until }: Refused, nowMs: number): ApiError {
  const message = 'Too many requests from this address carry keys, sessions or links that open nothing.';
  return new ApiError('rate_limited', message, {}, Math.max(1, Math.ceil((until - nowMs) / 1_000)));
}
