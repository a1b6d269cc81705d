/** The pages of `/operator` that are there without anything else. */
export const PAGES = [
  '/operator',
  '/operator/organizations',
  '/operator/parked-messages',
  '/operator/settings',
  '/operator/runbook',
] as const;
