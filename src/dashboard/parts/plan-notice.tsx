import { includesWebhooks } from '../../domain/plan.ts';
import type { Visit } from '../frame/visit.ts';
import { t } from '../words/words.tsx';

/** Whether the visit's organization can use webhooks. */
export function planAllows({ organization }: Visit): boolean {
  return includesWebhooks(organization.plan);
}

/** Says that the plan is too low, and where to change that. */
export function PlanNotice({ visit, hasWebhooks }: { visit: Visit; hasWebhooks: boolean }) {
  const { upgradeUrl, name } = visit.settings.dashboard;
  const about = { plan: t(`plan.${visit.organization.plan}`), product: name };
  return (
    <section class={hasWebhooks ? 'banner warn' : 'card notice'}>
      <h2>{hasWebhooks ? t('planNotice.ended') : t('planNotice.needed')}</h2>
      <p>{hasWebhooks ? t('planNotice.kept', about) : t('planNotice.offer', about)}</p>
      {upgradeUrl ? (
        <p>
          <a class="button primary" href={upgradeUrl.href} target="_top" rel="noopener">
            {t('planNotice.upgrade')}
          </a>
        </p>
      ) : (
        <p>{t('planNotice.howTo', { product: name })}</p>
      )}
    </section>
  );
}
