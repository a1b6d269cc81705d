import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAttempt } from '../../src/attempt/attempt.ts';
import { importSigningKeys } from '../../src/domain/webhook/signature.ts';

/*
 * What an attempt sends, verified by the libraries that Standard Webhooks publishes in other languages than JavaScript's (those of npm are in
 * signed-delivery.test.ts). .ci/run installs them into the folder that BULLSEYE_LIBRARIES names; where it names none they are not tried.
 */
const libraries = process.env.BULLSEYE_LIBRARIES ?? '';
const folder = mkdtempSync(join(tmpdir(), 'bullseye-interoperability-'));
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
const BODY = '{"event":"visitor.identified","visitor":{"first_name":"Zoë 😀"},"number":12345678901234567890}';

const PYTHON = `
import json, sys
from standardwebhooks.webhooks import Webhook
given = json.load(sys.stdin)
Webhook(given["secret"]).verify(given["body"], given["headers"])
`;

const GO = `package main

import (
	"encoding/json"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	var given struct {
		Secret, Body string
		Headers      map[string]string
	}
	headers := http.Header{}
	err := json.NewDecoder(os.Stdin).Decode(&given)
	for name, value := range given.Headers {
		headers.Set(name, value)
	}
	webhook, failed := standardwebhooks.NewWebhook(given.Secret)
	if err != nil || failed != nil || webhook.Verify([]byte(given.Body), headers) != nil {
		os.Exit(1)
	}
}
`;

interface Language {
  name: string;
  /** Whether its library takes what comes on standard input. */
  takes(input: string): boolean;
}

const LANGUAGES: readonly Language[] = [
  {
    name: 'Python',
    takes: (input) =>
      spawnSync('python3', ['-c', PYTHON], { input, env: { ...process.env, PYTHONPATH: join(libraries, 'python') } }).status === 0,
  },
  { name: 'Go', takes: (input) => spawnSync(join(folder, 'verify'), { input }).status === 0 },
];

async function delivery() {
  const key = await importSigningKeys(SECRET);
  const about = { deliveryId: 'dlv_1', eventId: 'evt_1', event: 'visitor.identified', number: 1, trigger: 'event' } as const;
  const request = { ...about, url: 'https://hooks.example.com/', keys: [key], oldestKey: key, payload: new TextEncoder().encode(BODY) };
  const { record } = await makeAttempt(request, { fetch: async () => new Response(), now: Date.now, timeoutMs: 1_000 });
  const headers = Object.fromEntries(Object.entries(record.requestHeaders).map(([name, value]) => [name.toLowerCase(), value]));
  return { secret: SECRET, body: BODY, headers };
}

describe.skipIf(libraries === '')('the published library of Standard Webhooks', () => {
  beforeAll(() => {
    const source = join(folder, 'verify.go');
    writeFileSync(source, GO);
    // In the module that has the library.
    const built = spawnSync('go', ['build', '-o', join(folder, 'verify'), source], { cwd: join(libraries, 'go'), encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`${built.error ?? ''}${built.stderr}`);
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(LANGUAGES)('for $name takes a delivery of ours, and nothing else', async ({ takes }) => {
    const good = await delivery();
    expect(takes(JSON.stringify(good))).toBe(true);
    expect(takes(JSON.stringify({ ...good, body: `${BODY} ` }))).toBe(false);
    expect(takes(JSON.stringify({ ...good, secret: `${SECRET.slice(0, -5)}AAA=` }))).toBe(false);
    expect(takes(JSON.stringify({ ...good, headers: { ...good.headers, 'webhook-id': 'evt_2' } }))).toBe(false);
  });
});
