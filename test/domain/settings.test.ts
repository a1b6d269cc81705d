import { describe, expect, it } from 'vitest';
import { parseSettings, settingsOf } from '../../src/settings.ts';
import { VARS } from './vars.ts';

type Name = keyof typeof VARS;

/** What parsing says of a value; the rest is as it ships. */
function errorOf(name: Name, value: string | undefined): string {
  try {
    parseSettings({ ...VARS, [name]: value } as typeof VARS);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

describe('the settings', () => {
  it('as they ship are those that the documentation promises', () => {
    expect(parseSettings(VARS)).toEqual({
      retryScheduleMs: [60_000, 300_000, 1_800_000],
      deliveryTimeoutMs: 30_000,
      retentionMs: 30 * 86_400_000,
      quotas: {},
      circuitThreshold: 10,
      disableAfterMs: 432_000_000,
      circuitProbeMs: [30_000, 600_000],
      eventQueues: 1,
      maxConcurrency: 100,
      logAttempts: 'failed',
      allowInsecureEndpoints: false,
      publicUrl: null,
      jurisdiction: null,
      securityContacts: [],
      alertsFrom: null,
      dashboard: { name: 'Bullseye', logoUrl: null, accent: [79, 70, 229], upgradeUrl: null, frameAncestors: [] },
      platformKeys: [VARS.PLATFORM_API_KEY],
      masterKeys: [VARS.MASTER_KEY],
    });
  });

  it('take a shortened schedule and timeout, as tests and benchmarks set them', () => {
    expect(parseSettings({ ...VARS, RETRY_SCHEDULE: '1s, 2s,3s', DELIVERY_TIMEOUT: '1s', CIRCUIT_PROBE: '1s,1s' })).toMatchObject({
      retryScheduleMs: [1_000, 2_000, 3_000],
      deliveryTimeoutMs: 1_000,
      circuitProbeMs: [1_000, 1_000],
    });
  });

  it('take two secrets while one is rotated, the new one first', () => {
    const settings = parseSettings({
      ...VARS,
      PLATFORM_API_KEY: 'new-platform-key-1, old-platform-key-1',
      MASTER_KEY: `${'n'.repeat(16)},${'o'.repeat(16)}`,
    });
    expect(settings.platformKeys).toEqual(['new-platform-key-1', 'old-platform-key-1']);
    expect(settings.masterKeys).toEqual(['n'.repeat(16), 'o'.repeat(16)]);
  });

  it('take secrets of any length: how good they are is for whoever deploys', () => {
    expect(parseSettings({ ...VARS, PLATFORM_API_KEY: 'k', MASTER_KEY: 'm,n' })).toMatchObject({
      platformKeys: ['k'],
      masterKeys: ['m', 'n'],
    });
  });

  it('log attempts that failed, or all of them, and nothing else', () => {
    expect(parseSettings({ ...VARS, LOG_ATTEMPTS: 'all' }).logAttempts).toBe('all');
    expect(errorOf('LOG_ATTEMPTS', 'some')).toBe('LOG_ATTEMPTS: "failed" or "all" is needed');
  });

  it('take a number of event queues, from 1 to 64', () => {
    expect(parseSettings({ ...VARS, EVENT_QUEUES: '4' }).eventQueues).toBe(4);
    expect(errorOf('EVENT_QUEUES', '0')).toBe('EVENT_QUEUES: a whole number from 1 to 64 is needed');
    expect(errorOf('EVENT_QUEUES', '65')).toBe('EVENT_QUEUES: a whole number from 1 to 64 is needed');
  });

  it('take attempts at a time of a webhook, from 1 to 100', () => {
    expect(parseSettings({ ...VARS, MAX_CONCURRENCY: '1' }).maxConcurrency).toBe(1);
    expect(errorOf('MAX_CONCURRENCY', '0')).toBe('MAX_CONCURRENCY: a whole number from 1 to 100 is needed');
    expect(errorOf('MAX_CONCURRENCY', '101')).toBe('MAX_CONCURRENCY: a whole number from 1 to 100 is needed');
  });

  it('take a timeout from 1 s to 60 s', () => {
    expect(parseSettings({ ...VARS, DELIVERY_TIMEOUT: '1000ms' }).deliveryTimeoutMs).toBe(1_000);
    expect(parseSettings({ ...VARS, DELIVERY_TIMEOUT: '1m' }).deliveryTimeoutMs).toBe(60_000);
    for (const refused of ['0s', '999ms', '60001ms', '2m']) {
      expect(errorOf('DELIVERY_TIMEOUT', refused)).toBe('DELIVERY_TIMEOUT: a duration from 1s to 60s is needed');
    }
  });

  it('take a public URL', () => {
    expect(parseSettings({ ...VARS, PUBLIC_URL: 'https://hooks.bullseye.example' }).publicUrl?.origin).toBe(
      'https://hooks.bullseye.example',
    );
    expect(parseSettings({ ...VARS, PUBLIC_URL: 'http://127.0.0.1:8787' }).publicUrl?.origin).toBe('http://127.0.0.1:8787');
  });

  it("take the dashboard's looks, and origins that may frame it", () => {
    const vars = {
      DASHBOARD_NAME: 'Acme',
      DASHBOARD_LOGO_URL: 'https://cdn.acme.example/logo.svg',
      DASHBOARD_ACCENT: '#00AA77',
      DASHBOARD_UPGRADE_URL: 'https://app.acme.example/billing',
      DASHBOARD_FRAME_ANCESTORS: 'https://app.acme.example, http://127.0.0.1:3000',
    };
    const { dashboard } = parseSettings({ ...VARS, ...vars });
    expect(dashboard).toMatchObject({ name: 'Acme', accent: [0, 170, 119] });
    expect(dashboard.logoUrl?.href).toBe('https://cdn.acme.example/logo.svg');
    expect(dashboard.upgradeUrl?.href).toBe('https://app.acme.example/billing');
    expect(dashboard.frameAncestors).toEqual(['https://app.acme.example', 'http://127.0.0.1:3000']);
  });

  it.each(['TRUE', 'yes', '1', 'false', '', ' true'])('admit insecure endpoints for "true" alone, not for %j', (value) => {
    expect(parseSettings({ ...VARS, ALLOW_INSECURE_ENDPOINTS: 'true' }).allowInsecureEndpoints).toBe(true);
    expect(parseSettings({ ...VARS, ALLOW_INSECURE_ENDPOINTS: value }).allowInsecureEndpoints).toBe(false);
  });

  it('are parsed once for an environment', () => {
    const env = { ...VARS } as unknown as Env;
    expect(settingsOf(env)).toBe(settingsOf(env));
    expect(settingsOf({ ...VARS } as unknown as Env)).not.toBe(settingsOf(env));
  });
});

describe('a setting that is missing is named', () => {
  const needed: Name[] = [
    'RETRY_SCHEDULE',
    'DELIVERY_TIMEOUT',
    'RETENTION_DAYS',
    'CIRCUIT_THRESHOLD',
    'CIRCUIT_PROBE',
    'DISABLE_AFTER',
    'MAX_CONCURRENCY',
    'DASHBOARD_NAME',
    'DASHBOARD_ACCENT',
    'PLATFORM_API_KEY',
    'MASTER_KEY',
  ];

  it.each(needed)('%s', (name) => {
    expect(errorOf(name, undefined)).toBe(`${name} is not set`);
    expect(errorOf(name, '')).toBe(`${name} is not set`);
  });
});

describe('a setting that cannot be meant is refused, by its name', () => {
  it.each<[Name, string, RegExp]>([
    ['RETRY_SCHEDULE', '1m,5x', /"5x" is not a duration/],
    ['RETRY_SCHEDULE', '1m;5m', /is not a duration/],
    ['RETRY_SCHEDULE', '1m,', /is not a duration/],
    ['DELIVERY_TIMEOUT', '30', /"30" is not a duration/],
    ['DELIVERY_TIMEOUT', '-1s', /is not a duration/],
    ['DELIVERY_TIMEOUT', '0s', /from 1s to 60s/],
    ['DELIVERY_TIMEOUT', '61s', /from 1s to 60s/],
    ['RETENTION_DAYS', '0', /a whole number from 1 to 3650/],
    ['RETENTION_DAYS', '3651', /a whole number from 1 to 3650/],
    ['RETENTION_DAYS', '1.5', /a whole number from 1 to 3650/],
    ['RETENTION_DAYS', '30d', /a whole number from 1 to 3650/],
    ['RETENTION_DAYS', ' ', /a whole number from 1 to 3650/],
    ['CIRCUIT_THRESHOLD', '0', /a whole number from 1 to 1000/],
    ['CIRCUIT_THRESHOLD', 'ten', /a whole number from 1 to 1000/],
    ['MAX_CONCURRENCY', '2.5', /a whole number from 1 to 100/],
    ['MAX_CONCURRENCY', 'many', /a whole number from 1 to 100/],
    ['CIRCUIT_PROBE', '30s', /two durations are needed/],
    ['CIRCUIT_PROBE', '30s,1m,10m', /two durations are needed/],
    ['CIRCUIT_PROBE', '30s,later', /"later" is not a duration/],
    ['CIRCUIT_PROBE', '0s,10m', /longer than 0/],
    ['CIRCUIT_PROBE', '10m,30s', /the first is the shorter one/],
    ['PUBLIC_URL', 'hooks.bullseye.example', /./],
    ['PUBLIC_URL', 'hooks.bullseye.example:443', /https or http/],
    ['PUBLIC_URL', 'ftp://hooks.bullseye.example', /https or http/],
    ['PUBLIC_URL', 'http://hooks.bullseye.example', /a URL with https is needed/],
    ['PUBLIC_URL', 'http://192.168.1.2:8787', /a URL with https is needed/],
    ['SECURITY_CONTACT', 'security@example.com', /URIs such as mailto:/],
    ['SECURITY_CONTACT', 'mailto:security@example.com, javascript:alert(1)', /URIs such as mailto:/],
    ['DASHBOARD_LOGO_URL', 'javascript:alert(1)', /https or http/],
    ['DASHBOARD_ACCENT', 'red', /a colour such as/],
    ['DASHBOARD_ACCENT', '#fff', /a colour such as/],
    ['DASHBOARD_ACCENT', '#4f46e5; } body { display: none', /a colour such as/],
    ['DASHBOARD_UPGRADE_URL', 'javascript:alert(1)', /https or http/],
    ['DASHBOARD_FRAME_ANCESTORS', '*', /./],
    ['DASHBOARD_FRAME_ANCESTORS', 'https://app.acme.example/path', /origins such as/],
    ['DASHBOARD_FRAME_ANCESTORS', "https://app.acme.example; script-src 'unsafe-inline'", /./],
  ])('%s=%j', (name, value, says) => {
    const message = errorOf(name, value);
    expect(message).toMatch(new RegExp(`^${name}: `));
    expect(message).toMatch(says);
  });

  describe.each(['PLATFORM_API_KEY', 'MASTER_KEY'] as const)('%s, whose value is not quoted', (name) => {
    it.each([
      ['of three values', 'sesame-open-the-door-1,sesame-open-the-door-2,sesame-open-the-door-3', /one value is needed, or two/],
      ['of nothing but commas', ' , ,', /one value is needed, or two/],
    ])('%s', (_what, value, says) => {
      const message = errorOf(name, value);
      expect(message).toMatch(new RegExp(`^${name}: `));
      expect(message).toMatch(says);
      expect(message).not.toMatch(/sesame/);
    });
  });
});
