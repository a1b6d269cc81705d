import { listSkippedEvents } from '../api/skipped-events.ts';
import type { WebhookRow } from '../db/webhooks.ts';
import { Banners } from './attention/banners.tsx';
import { outlookOf } from './attention/outlook.ts';
import { onceWords } from './choices/once.tsx';
import { keptWords } from './choices/preview.tsx';
import { unlessUnreachable } from './overview-page.tsx';
import { Time } from './time.tsx';
import type { PageContext } from './visit.ts';
import { webhookOf, webhookPage } from './webhook-page.tsx';

type Skipped = Awaited<ReturnType<typeof readSkipped>>[number];

async function readSkipped(c: PageContext, webhookId: string) {
  return (await c.get('visit').call(listSkippedEvents, { params: { webhookId } })).data;
}

/** `GET <webhook>/skipped`: the events that its filter, or `once`, has kept back, and why. */
export async function showSkipped(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const [events, outlook] = await Promise.all([unlessUnreachable(readSkipped(c, webhook.id)), outlookOf(c, webhook)]);
  return await webhookPage(
    c,
    { webhook, tab: '', title: 'Kept back', outlook },
    <>
      <Banners webhook={webhook} visit={visit} outlook={outlook} />
      <section class="prose" aria-labelledby="skipped-title">
        <h2 id="skipped-title">Events that were kept back</h2>
        <p class="hint">
          The latest 100 that did not fit the filter, or that repeated what had gone out. Nothing more of them is kept. Those of the filter
          are listed within about a minute.
        </p>
        <div class="card table-card" id="skipped" data-live="">
          <SkippedEvents events={events} webhook={webhook} />
        </div>
      </section>
    </>,
  );
}

function SkippedEvents({ events, webhook }: { events: readonly Skipped[] | null; webhook: WebhookRow }) {
  if (!events) return <p class="notice">They are not available right now.</p>;
  if (events.length === 0) return <p class="notice">None so far.</p>;
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col">About</th>
          <th scope="col" class="w21">
            Accepted
          </th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        {events.map((skipped) => (
          <SkippedRow skipped={skipped} webhook={webhook} />
        ))}
      </tbody>
    </table>
  );
}

function SkippedRow({ skipped, webhook }: { skipped: Skipped; webhook: WebhookRow }) {
  const { eventId, event, subject, at } = skipped;
  return (
    <tr id={eventId}>
      <th scope="row" class="endpoint">
        {subject ?? event}
        <span class="hint">{eventId}</span>
      </th>
      <td data-label="Accepted">
        <Time at={at} />
      </td>
      <td data-label="Why">
        <span>
          {whyWords(skipped, webhook)}
          {Date.parse(at) < webhook.updatedAt && <span class="hint"> The webhook has been changed since.</span>}
        </span>
      </td>
    </tr>
  );
}

/** Longest reason, in characters: there are up to 100 in the page. */
const MAX_LENGTH = 300;

/** “This visitor was filtered out by: company size is at least 200.” A filter that has been changed since may not have that place any more. */
export function whyWords(
  { why, event, failedConditions }: Pick<Skipped, 'why' | 'event' | 'failedConditions'>,
  { filter, once }: WebhookRow,
): string {
  if (why === 'repeated') return cut(`Repeated: ${once ? onceWords(once) : 'it had gone out before'}`);
  const words = keptWords(filter, failedConditions);
  const what = event === 'visitor.identified' ? 'This visitor' : 'This event';
  return words.length === 0 ? `${what} did not fit the filter.` : cut(`${what} was filtered out by: ${words.join(', and ')}`);
}

function cut(sentence: string): string {
  return sentence.length > MAX_LENGTH ? `${sentence.slice(0, MAX_LENGTH).toWellFormed()} …` : `${sentence}.`;
}
