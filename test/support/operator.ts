import { PLATFORM_KEY } from './api.ts';
import { type Visitor, visitor } from './dashboard.ts';

/** Somebody who is signed in with the platform key. @param vars settings that differ */
export async function operatorSignedIn(vars?: Partial<Env>): Promise<Visitor> {
  const person = visitor({ vars });
  const answer = await person.post('/operator/sign-in', { key: PLATFORM_KEY });
  if (answer.status !== 303) throw new Error(`not signed in: ${answer.status} ${answer.text}`);
  return person;
}

/** A Meter that does not answer. */
export function meterThatFails(): Env['METER'] {
  const fail = async () => {
    throw new Error('the Meter is out of order');
  };
  return {
    getByName: () => ({ tell: fail, sample: fail, read: fail, see: fail, isEnded: fail, endSession: fail }),
  } as unknown as Env['METER'];
}
