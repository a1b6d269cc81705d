import type { Meter } from './meter.ts';

/** There is one, for all organizations and isolates. */
const NAME = 'meter';

export function meterOf(env: Pick<Env, 'METER'>): DurableObjectStub<Meter> {
  return env.METER.getByName(NAME);
}
