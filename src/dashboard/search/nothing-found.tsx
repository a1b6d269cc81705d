import { DAY_MS } from '../../domain/day.ts';
import { MAX_SKIPPED } from '../../domain/skipped-event.ts';
import { paths } from '../paths.ts';
import { planAllows } from '../plan-notice.tsx';
import type { Visit } from '../visit.ts';
import { bold, rich, t } from '../words/words.tsx';

/** What it can mean that nothing is known of somebody, and what to do. */
export function NothingFound({ q, visit }: { q: string; visit: Visit }) {
  const days = Math.round(visit.settings.retentionMs / DAY_MS);
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
