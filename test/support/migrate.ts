import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll } from 'vitest';

// Storage is isolated per test file: each starts with an empty, migrated database.
beforeAll(() => applyD1Migrations(env.DB, env.MIGRATIONS));
