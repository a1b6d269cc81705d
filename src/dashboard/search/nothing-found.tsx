import { DAY_MS } from '../../domain/day.ts';
import { MAX_SKIPPED } from '../../domain/skipped-event.ts';
import { paths } from '../paths.ts';
import { planAllows } from '../plan-notice.tsx';
import type { Visit } from '../visit.ts';
import { counted } from '../wording.ts';

/** What it can mean that nothing is known of somebody, and what to do. */
export function NothingFound({ q, visit }: { q: string; visit: Visit }) {
  const days = counted(Math.round(visit.settings.retentionMs / DAY_MS), 'day', 'days');
  return (
    <section class="card notice" aria-labelledby="nothing-title">
      <h2 id="nothing-title">Nothing was found for “{q}”</h2>
      <p>
        We looked through all webhooks, as far back as deliveries are kept, and through the latest {MAX_SKIPPED} events that each webhook
        skipped. That can mean:
      </p>
      <ul class="causes">
        {!planAllows(visit) && (
          <li>
            <strong>Your plan does not include webhooks.</strong> Nothing is sent, and nothing is kept, until it does.
          </li>
        )}
        <li>
          <strong>The visitor was not identified.</strong> We send only visitors that we could identify. Look for them among your visitors.
        </li>
        <li>
          <strong>It is written differently.</strong> Try a part of it: the last name, the company, or the domain of the e-mail address.
        </li>
        <li>
          <strong>No webhook wanted that event.</strong> <a href={paths.list}>See which events each webhook gets</a>. A webhook that is
          added today gets nothing from before.
        </li>
        <li>
          <strong>A filter skipped it a while ago.</strong> Of each webhook we keep the latest {MAX_SKIPPED} events that it skipped.
        </li>
        <li>
          <strong>It was longer than {days} ago.</strong> Deliveries are kept for {days}.
        </li>
        {planAllows(visit) && (
          <li>
            <strong>Your plan did not include webhooks at the time.</strong> Nothing was sent then.
          </li>
        )}
        <li>
          <strong>The event never reached us.</strong> If you know the session's id, give it to support: they can see whether it came.
        </li>
      </ul>
    </section>
  );
}
