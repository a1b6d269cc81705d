import { expect, it } from 'vitest';
import { includesWebhooks, PLANS } from '../../src/domain/plan.ts';

it('Scale and every plan above it include webhooks, those below do not', () => {
  expect(PLANS.map((plan) => [plan, includesWebhooks(plan)])).toEqual([
    ['free_trial', false],
    ['starter', false],
    ['growth', false],
    ['scale', true],
    ['expansion', true],
    ['enterprise', true],
  ]);
});
