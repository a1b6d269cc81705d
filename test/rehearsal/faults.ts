/** What a rehearsal can have fail, and what is wrong then. */
export const FAULTS = {
  'database-slow': 'D1 takes 6 s for each statement.',
  'database-gone': 'D1 answers each statement with an error.',
  'queue-behind': 'The queue hands no messages to the consumer.',
  'poison-message': 'One message fails each time that it is processed, by a bug of ours.',
  'endpoint-silent': 'One endpoint takes requests and does not answer.',
  'endpoint-errors': 'One endpoint answers 500.',
  flood: 'One organization sends 100 events a second; the others send one in a few seconds.',
} as const;

export type Fault = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as Fault[];

export function isFault(name: string): name is Fault {
  return Object.hasOwn(FAULTS, name);
}

/** Where the rehearsal's Worker is told which faults there are: `PUT`, a JSON list of them. */
export const SWITCH_PATH = '/rehearsal/faults';

/** The session of the event that is poison. */
export const POISON = 'ses_poison';
