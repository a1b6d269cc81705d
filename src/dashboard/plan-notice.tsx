import { includesWebhooks } from '../domain/plan.ts';
import type { Visit } from './visit.ts';
import { PLAN_WORDS } from './wording.ts';

/** Whether the visit's organization can use webhooks. */
export function planAllows({ organization }: Visit): boolean {
  return includesWebhooks(organization.plan);
}

/** Says that the plan is too low, and where to change that. */
export function PlanNotice({ visit, hasWebhooks }: { visit: Visit; hasWebhooks: boolean }) {
  const { upgradeUrl, name } = visit.settings.dashboard;
  return (
    <section class={hasWebhooks ? 'banner warn' : 'card notice'}>
      {hasWebhooks ? <h2>Webhooks are not part of your plan any more</h2> : <h2>Webhooks come with the Scale plan</h2>}
      <p>
        Your organization is on the plan {PLAN_WORDS[visit.organization.plan]}. {name} sends webhooks for organizations on Scale, Expansion
        and Enterprise
        {hasWebhooks
          ? '. What you have configured is kept, and deliveries go on once you move up.'
          : ': each visitor that is identified reaches your own systems within seconds, signed and retried.'}
      </p>
      {upgradeUrl ? (
        <p>
          <a class="button primary" href={upgradeUrl.href} target="_top" rel="noopener">
            Upgrade to Scale
          </a>
        </p>
      ) : (
        <p>To upgrade, open Settings &gt; Billing in {name}, or write to its support.</p>
      )}
    </section>
  );
}
