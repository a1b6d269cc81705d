import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { describeApi } from '../../src/api/openapi.ts';
import { routes } from '../../src/app.ts';

// In Node: the validator compiles its schemas with eval, which Workers forbid.
test('/openapi.json is valid OpenAPI 3.1 by a public validator', async () => {
  const document = JSON.parse(JSON.stringify(describeApi(routes)));
  const result = await new Validator().validate(document);
  expect(result).toEqual({ valid: true });
  expect(document.openapi).toBe('3.1.0');
});

test('/openapi.json refers to nothing that it lacks, and shares the schemas it repeats', () => {
  const text = JSON.stringify(describeApi(routes));
  const { schemas } = JSON.parse(text).components;
  const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(names));
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Error', 'Event', 'Webhook', 'Delivery', 'Attempt', 'ApiKey', 'EventType']));
});
