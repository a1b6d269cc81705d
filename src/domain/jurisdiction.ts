/** Where Cloudflare can keep D1, queues and objects alike, as of October 2026. */
export const JURISDICTIONS = ['eu', 'us', 'fedramp'] as const;

export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** @throws where there is no such jurisdiction */
export function parseJurisdiction(text: string): Jurisdiction {
  const jurisdiction = JURISDICTIONS.find((each) => each === text);
  if (!jurisdiction) throw new RangeError(`one of ${JURISDICTIONS.join(', ')} is needed`);
  return jurisdiction;
}
