import { describe, expect, test } from 'vitest';
import { expireCatalogue, knownEventTypes } from '../../../src/api/events/catalogue.ts';
import { env } from '../../support/api.ts';

const failing = {
  ...env,
  DB: {
    prepare: () => {
      throw new Error('D1_ERROR: down');
    },
  } as unknown as D1Database,
};

/** An event type straight in the database: this isolate's catalogue does not hear of it. */
async function givenEventType(name: string): Promise<void> {
  await env.DB.prepare("INSERT INTO event_types (name, description, created_at, updated_at) VALUES (?, 'x', 1, 1)").bind(name).run();
}

describe('what ingest knows of the catalogue', () => {
  test('is what ships where the database was never reached, then the last that was read', async () => {
    const nowMs = Date.now();
    const never = await knownEventTypes(failing, ['visitor.identified'], nowMs);
    expect([...never.types.keys()].sort()).toEqual([
      'visitor.erased',
      'visitor.identified',
      'webhook.disable_warning',
      'webhook.disabled',
      'webhook.failing',
      'webhook.recovered',
    ]);
    expect(never.complete).toBe(false);

    await givenEventType('deal.won');
    const read = await knownEventTypes(env, ['deal.won'], nowMs + 2_000);
    expect(read).toMatchObject({ complete: true });
    expect(read.types.has('deal.won')).toBe(true);

    const later = await knownEventTypes(failing, ['deal.won'], nowMs + 86_400_000);
    expect(later.complete).toBe(true);
    expect(later.types.has('deal.won')).toBe(true);
  });

  test('is at most 3 seconds old', async () => {
    expireCatalogue();
    await givenEventType('deal.lost');
    const nowMs = Date.now() + 90_000_000;
    await knownEventTypes(env, [], nowMs);
    await env.DB.prepare('DELETE FROM event_types').run();
    expect((await knownEventTypes(env, [], nowMs + 2_999)).types.has('deal.lost')).toBe(true);
    expect((await knownEventTypes(env, [], nowMs + 3_000)).types.has('deal.lost')).toBe(false);
  });
});
