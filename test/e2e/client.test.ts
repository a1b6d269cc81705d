import { expect, test } from 'vitest';
import { routes } from '../../src/app.ts';
import { OPERATIONS } from '../../src/client/generated/api.ts';

test("the package's client has a method for every route, and no other", () => {
  const expected = routes.map(({ operationId, method, path }) => [operationId, [method.toUpperCase(), path]] as const);
  expect(Object.entries(OPERATIONS).sort()).toEqual(expected.sort());
});

test('no route has a parameter that the client could not tell from another', () => {
  for (const { params, query } of routes) {
    const names = [...Object.keys(params?.shape ?? {}), ...Object.keys(query?.shape ?? {})];
    expect(new Set([...names, 'body', 'idempotencyKey']).size).toBe(names.length + 2);
  }
});
