import type { Child } from 'hono/jsx';
import { countSealed } from '../api/webhooks/sealed-secrets.ts';
import { Time } from '../dashboard/parts/time.tsx';
import { exactly } from '../dashboard/parts/wording.ts';
import { logWarning } from '../log.ts';
import type { SeenSince } from '../meter/meter.ts';
import { meterOf } from '../meter/meter-object.ts';
import { secretsInForce } from '../meter/secrets.ts';
import type { Settings } from '../settings.ts';
import { VERSION } from '../version.ts';
import { within } from '../within.ts';
import { page } from './layout.tsx';
import { paths } from './paths.ts';
import type { OperatorContext } from './session.ts';

const TIMEOUT_MS = 3_000;

/** The settings that are shown, by their vars. Never a secret: a var that is added has to be put here. */
const SHOWN_VARS = [
  'RETRY_SCHEDULE',
  'DELIVERY_TIMEOUT',
  'RETENTION_DAYS',
  'QUOTAS',
  'CIRCUIT_THRESHOLD',
  'CIRCUIT_PROBE',
  'DISABLE_AFTER',
  'EVENT_QUEUES',
  'MAX_CONCURRENCY',
  'LOG_ATTEMPTS',
  'ALLOW_INSECURE_ENDPOINTS',
  'PUBLIC_URL',
  'JURISDICTION',
  'SECURITY_CONTACT',
  'ALERTS_FROM',
  'DASHBOARD_NAME',
  'DASHBOARD_LOGO_URL',
  'DASHBOARD_ACCENT',
  'DASHBOARD_UPGRADE_URL',
  'DASHBOARD_FRAME_ANCESTORS',
] as const satisfies readonly (keyof Env)[];

/** `GET settings`: what is in force, and how old the secrets are. */
export async function showSettings(c: OperatorContext): Promise<Response> {
  const { settings, nowMs, call } = c.get('operator');
  const [secrets, sealed] = await Promise.all([secretsOf(c.env, settings, nowMs), orNull('sealed', call(countSealed, { params: {} }))]);
  return await page(
    c,
    { title: 'Settings and secrets' },
    <>
      <h1>Settings and secrets</h1>
      <section class="card" aria-labelledby="secrets-title">
        <h2 id="secrets-title">Secrets in force</h2>
        <dl class="facts">
          {secrets.map(({ name, since }) => (
            <Fact name={name}>{since === null ? 'since when is not known' : <SeenAt at={since} />}</Fact>
          ))}
          <Fact name="Webhooks' secrets">
            {sealed
              ? `${exactly(sealed.current)} sealed under the current MASTER_KEY, ${exactly(sealed.former)} under the former, ${exactly(sealed.unknown)} under one that is not configured`
              : 'not known: the database does not answer'}
          </Fact>
        </dl>
        <p>
          The cron looks once an hour which values are in force. A secret can be older than the service has looked. To rotate one, put both
          values, the new one first: <code>npm exec -- wrangler secret put PLATFORM_API_KEY</code>, and the new one alone when everybody has
          it. For MASTER_KEY wait until none is sealed under the former.{' '}
          <a href={paths.runbook('rotating-secrets')}>The runbook says how</a>.
        </p>
      </section>
      <section class="card" aria-labelledby="settings-title">
        <h2 id="settings-title">Settings in force</h2>
        <dl class="facts">
          <Fact name="Version">{VERSION}</Fact>
          {SHOWN_VARS.map((name) => (
            <Fact name={name}>
              <code>{c.env[name] || '(empty)'}</code>
            </Fact>
          ))}
        </dl>
      </section>
    </>,
  );
}

function Fact({ name, children }: { name: string; children?: Child }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function SeenAt({ at }: { at: number }) {
  return (
    <>
      seen since <Time at={new Date(at).toISOString()} />
    </>
  );
}

/** The secrets in force, and since when the Meter has seen each. */
async function secretsOf(env: Env, settings: Settings, nowMs: number): Promise<{ name: string; since: number | null }[]> {
  const secrets = await secretsInForce(settings);
  const keys = secrets.map(({ key }) => key);
  const seen = await orNull<SeenSince>('secrets', meterOf(env).see(keys, nowMs));
  return secrets.map(({ name, key }) => ({ name, since: seen?.[key] ?? null }));
}

async function orNull<T>(what: string, work: Promise<T>): Promise<T | null> {
  try {
    return await within(TIMEOUT_MS, work);
  } catch (error) {
    logWarning('operator.part_missing', { what, error: error instanceof Error ? error.message : String(error) });
    return null;
  }
}
