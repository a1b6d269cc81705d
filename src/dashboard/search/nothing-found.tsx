import { MAX_SKIPPED } from '../../domain/delivery/skipped-event.ts';
import { keptMs } from '../../domain/quota.ts';
import { DAY_MS } from '../../domain/text/day.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { planAllows } from '../parts/plan-notice.tsx';
import { bold, rich, t } from '../words/words.tsx';

/** What it can mean that nothing is known of somebody, and what to do. */
export function NothingFound({ q, visit }: { q: string; visit: Visit }) {
  const days = Math.round(keptMs(visit.settings, visit.organization.plan) / DAY_MS);
  const count = MAX_SKIPPED;
  return (
    <section class="card notice" aria-labelledby="nothing-title">
      <h2 id="nothing-title">{t('search.nothing', { q })}</h2>
      <p>{t('search.nothingHint', { count })}</p>
      <ul class="causes">
        {!planAllows(visit) && <li>{rich('search.cause.plan', { b: bold })}</li>}
        <li>{rich('search.cause.visitor', { b: bold })}</li>
        <li>{rich('search.cause.spelling', { b: bold })}</li>
        <li>{rich('search.cause.unwanted', { b: bold, a: (inner) => <a href={paths.list}>{inner}</a> })}</li>
        <li>{rich('search.cause.filter', { b: bold, count })}</li>
        <li>{rich('search.cause.old', { b: bold, days })}</li>
        {planAllows(visit) && <li>{rich('search.cause.pastPlan', { b: bold })}</li>}
        <li>{rich('search.cause.lost', { b: bold })}</li>
      </ul>
    </section>
  );
}
