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

/**
 * What runs in Node, because it needs nothing of the Workers runtime: rules, pages made from values, and the fuzzed parsers
 * (their cases are many).
 */
const UNIT = [
  'test/{client,commands,docs,domain,simulation}/**/*.test.ts',
  'test/dashboard/{charts,choices,words}/**/*.test.ts',
  'test/**/*.test.tsx',
  'test/security/parsers.test.ts',
];

/** Whole processes: they run in Node as well. */
const E2E = ['test/e2e/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: UNIT,
          environment: 'node',
          // They are functions of what they are given: a worker takes one file after another, and starts once.
          isolate: false,
          // As the others: vitest's own number on two cores is one, and its files would wait until all others have ended.
          maxWorkers: 2,
          // Fuzzing takes seconds, and more where the machine is busy.
          testTimeout: 60_000,
        },
      },
      {
        plugins: [
          textImports,
          cloudflareTest(async () => ({
            // The runtime's own remarks on what tests make fail: endpoints that hang up, objects that vanish.
            verbose: false,
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
          // All the others, so that no file in test/ is left out: the new folder as well.
          include: ['test/**/*.test.ts'],
          exclude: [...UNIT, ...E2E],
          setupFiles: ['migrate', 'quiet-log', 'patient-waits', 'quick-telling', 'steady-deadlines'].map(
            (name) => `./test/support/${name}.ts`,
          ),
          globalSetup: ['./test/support/endpoint-threads.ts'],
          // SEED=… runs one of the fault runs alone; `npm run faults` asks for more of them than a test run has.
          provide: { seed: process.env.SEED ? Number(process.env.SEED) : null, faultRuns: Number(process.env.FAULT_RUNS ?? 700) },
          // Two cores: each worker is a runtime of its own. Some tests make hundreds of requests, which take long where the machine is busy.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [textImports],
        test: {
          name: 'e2e',
          include: E2E,
          environment: 'node',
          globalSetup: ['./test/support/shared.ts'],
          // Much of their time they wait: for a retry that is due, a runtime that starts, a page that is live.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          // As long as a busy machine needs; what is waited for comes within a second or two.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
    ],
  },
});
