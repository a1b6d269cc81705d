import { readFileSync } from 'node:fs';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig, type Plugin } from 'vitest/config';

/** Values of the Worker's settings in tests: loopback receivers are allowed, secrets are known. */
const bindings = {
  PLATFORM_API_KEY: 'bsk_platform_of_the_tests',
  MASTER_KEY: 'master-key-of-the-tests',
  ALLOW_INSECURE_ENDPOINTS: 'true',
  SECURITY_CONTACT: 'mailto:security@bullseye.example',
  // Alerts by e-mail need both: a sender, and where their links lead.
  ALERTS_FROM: 'alerts@bullseye.example',
  PUBLIC_URL: 'https://webhooks.bullseye.example',
  // `npm run bench -- growth` asks for more rows than the tests need.
  GROWTH_ROWS: process.env.GROWTH_ROWS ?? '',
};

/** `import … with { type: 'text' }`, which the Worker's build knows by itself: of the verification samples. */
const textImports: Plugin = {
  name: 'text-imports',
  enforce: 'pre',
  load(id) {
    if (!/\/test\/samples\/\w+\/verify(?:[-_]?body)?\.\w+$/i.test(id)) return null;
    return { code: `export default ${JSON.stringify(readFileSync(id, 'utf8'))}`, moduleType: 'js' };
  },
};

/** The parsers are fuzzed in Node: the cases are many, and they need nothing of the Workers runtime. */
const PARSERS = 'test/security/parsers.test.ts';

/** So do the samples: their test reads the folder they are in. */
const SAMPLES = 'test/dashboard/samples.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/{client,domain,commands,docs,simulation,dashboard/charts,dashboard/choices,dashboard/words}/**/*.test.{ts,tsx}',
            'test/dashboard/*.test.tsx',
            PARSERS,
          ],
          environment: 'node',
        },
      },
      {
        plugins: [
          textImports,
          cloudflareTest(async () => ({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { ...bindings, MIGRATIONS: await readD1Migrations('./migrations') },
              // As a deployment has it that sends alerts by e-mail (wrangler.toml). The runtime's simulation takes mails and sends none.
              email: { send_email: [{ name: 'EMAIL' }] },
            },
          })),
        ],
        test: {
          name: 'worker',
          include: [
            'test/{api,attempt,consumer,cost,db,faults,listener,outbox,platform,security,transfer,upkeep}/**/*.test.ts',
            'test/dashboard/{*,account/*,attention/*,setup/*,webhook-list/*}.test.ts',
            'test/*.test.ts',
          ],
          exclude: [PARSERS, SAMPLES],
          setupFiles: ['./test/support/migrate.ts', './test/support/quiet-log.ts'],
          globalSetup: ['./test/support/receiver-server.ts', './test/support/hostile-endpoints.ts'],
          // SEED=… runs one of the fault runs alone.
          provide: { seed: process.env.SEED ? Number(process.env.SEED) : null },
          // Two cores: each worker is a runtime of its own.
          maxWorkers: 2,
          testTimeout: 20_000,
        },
      },
      {
        plugins: [textImports],
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          environment: 'node',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 90_000,
        },
      },
    ],
  },
});
