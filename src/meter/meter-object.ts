import type { IsolateFigures } from '../domain/service/figures.ts';
import { logWarning } from '../log.ts';
import type { Meter } from './meter.ts';

/** There is one, for all organizations and isolates. */
const NAME = 'meter';

export function meterOf(env: Pick<Env, 'METER'>): DurableObjectStub<Meter> {
  return env.METER.getByName(NAME);
}

/**
 * Tells the Meter. Where it does not answer these figures are lost, and all else goes on.
 * @param inTime throws where it takes too long
 */
export async function tellMeter(env: Env, figures: IsolateFigures, inTime: (work: Promise<void>) => Promise<void>): Promise<void> {
  try {
    await inTime(meterOf(env).tell(figures));
  } catch (error) {
    // Not as a fault: that would be told, and fail, for ever.
    logWarning('meter.not_told', { error: error instanceof Error ? error.message : String(error) });
  }
}
