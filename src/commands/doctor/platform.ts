import { ApiClient } from '../api-client.ts';
import { type Finding, fault, looked, ok, warning } from './finding.ts';

/** What the service says of itself to who has its platform key. */
export async function platformFindings(url: URL, platformKey: string): Promise<Finding[]> {
  const api = new ApiClient(url.origin, platformKey);
  const parts = [
    looked('secrets under MASTER_KEY', async () => sealedFinding((await api.get('/platform/sealed-secrets')).body as SealedSecrets)),
    looked('parked messages', async () =>
      parkedFinding((await api.get('/platform/parked-messages?limit=100')).body as { data: unknown[] }),
    ),
  ];
  return (await Promise.all(parts)).flat();
}

interface SealedSecrets {
  current: number;
  former: number;
  unknown: number;
}

function sealedFinding({ current, former, unknown }: SealedSecrets): Finding {
  const what = 'secrets under MASTER_KEY';
  if (unknown > 0) {
    return fault(
      what,
      `${unknown} are sealed under a key that is not configured`,
      'Put the former value back: "MASTER_KEY is lost" in docs/runbook.md.',
    );
  }
  if (former > 0)
    return warning(
      what,
      `${former} of ${current + former} are still under the former one`,
      'The cron seals 200 webhooks a minute anew. Wait for 0.',
    );
  return ok(what, `${current}, all under the current one`);
}

function parkedFinding({ data }: { data: unknown[] }): Finding {
  if (data.length === 0) return ok('parked messages', 'none');
  const many = data.length === 100 ? '100 or more' : String(data.length);
  return warning('parked messages', many, 'Read the reason, mend it, and redrive them: "message.parked" in docs/runbook.md.');
}
