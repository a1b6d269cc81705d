import { readFileSync } from 'node:fs';

/** What ships; read from the repository's root, where tests run. */
export const wranglerToml = readFileSync('wrangler.toml', 'utf8');

/** The value of a var in wrangler.toml: what ships. */
function shipped(name: string): string {
  const value = new RegExp(`^${name} = "(.*)"$`, 'm').exec(wranglerToml)?.[1];
  if (value === undefined) throw new Error(`wrangler.toml has no ${name}`);
  return value;
}

/** The vars as they ship, with secrets. */
export const VARS = {
  RETRY_SCHEDULE: shipped('RETRY_SCHEDULE'),
  DELIVERY_TIMEOUT: shipped('DELIVERY_TIMEOUT'),
  RETENTION_DAYS: shipped('RETENTION_DAYS'),
  QUOTAS: shipped('QUOTAS'),
  CIRCUIT_THRESHOLD: shipped('CIRCUIT_THRESHOLD'),
  CIRCUIT_PROBE: shipped('CIRCUIT_PROBE'),
  DISABLE_AFTER: shipped('DISABLE_AFTER'),
  EVENT_QUEUES: shipped('EVENT_QUEUES'),
  MAX_CONCURRENCY: shipped('MAX_CONCURRENCY'),
  LOG_ATTEMPTS: shipped('LOG_ATTEMPTS'),
  ALLOW_INSECURE_ENDPOINTS: shipped('ALLOW_INSECURE_ENDPOINTS'),
  PUBLIC_URL: shipped('PUBLIC_URL'),
  JURISDICTION: shipped('JURISDICTION'),
  SECURITY_CONTACT: shipped('SECURITY_CONTACT'),
  ALERTS_FROM: shipped('ALERTS_FROM'),
  DASHBOARD_NAME: shipped('DASHBOARD_NAME'),
  DASHBOARD_LOGO_URL: shipped('DASHBOARD_LOGO_URL'),
  DASHBOARD_ACCENT: shipped('DASHBOARD_ACCENT'),
  DASHBOARD_UPGRADE_URL: shipped('DASHBOARD_UPGRADE_URL'),
  DASHBOARD_FRAME_ANCESTORS: shipped('DASHBOARD_FRAME_ANCESTORS'),
  PLATFORM_API_KEY: 'bsk_platform_of_this_test',
  MASTER_KEY: 'master-key-of-this-test',
};
