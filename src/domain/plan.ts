/** The plans an organization can be on, lowest first. */
export const PLANS = ['free_trial', 'starter', 'growth', 'scale', 'expansion', 'enterprise'] as const;

export type Plan = (typeof PLANS)[number];

const WITH_WEBHOOKS: ReadonlySet<Plan> = new Set(['scale', 'expansion', 'enterprise']);

/** Whether the plan includes webhooks: Scale and above. */
export function includesWebhooks(plan: Plan): boolean {
  return WITH_WEBHOOKS.has(plan);
}
