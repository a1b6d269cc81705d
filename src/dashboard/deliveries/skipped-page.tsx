import { listSkippedEvents } from '../../api/webhooks/skipped-events.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { Banners } from '../attention/banners.tsx';
import { outlookOf } from '../attention/outlook.ts';
import { onceWords } from '../choices/once.tsx';
import { keptWords } from '../choices/preview.tsx';
import { nounOf } from '../choices/webhook-words.ts';
import type { PageContext } from '../frame/visit.ts';
import { Time } from '../parts/time.tsx';
import { unlessUnreachable } from '../webhook/overview-page.tsx';
import { webhookOf, webhookPage } from '../webhook/webhook-page.tsx';
import { list } from '../words/formats.ts';
import { t } from '../words/words.tsx';

type Skipped = Awaited<ReturnType<typeof readSkipped>>[number];

async function readSkipped(c: PageContext, webhookId: string) {
  return (await c.get('visit').call(listSkippedEvents, { params: { webhookId } })).data;
}

/** `GET <webhook>/skipped`: the events that its filter, or `once`, has skipped, and why. */
export async function showSkipped(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const [events, outlook] = await Promise.all([unlessUnreachable(readSkipped(c, webhook.id)), outlookOf(c, webhook)]);
  return await webhookPage(
    c,
    { webhook, tab: '', title: t('skipped.title'), outlook },
    <>
      <Banners webhook={webhook} visit={visit} outlook={outlook} />
      <section class="prose" aria-labelledby="skipped-title">
        <h2 id="skipped-title">{t('skipped.heading')}</h2>
        <p class="hint">{t('skipped.hint')}</p>
        <div class="card table-card" id="skipped" data-live="">
          <SkippedEvents events={events} webhook={webhook} />
        </div>
      </section>
    </>,
  );
}

function SkippedEvents({ events, webhook }: { events: readonly Skipped[] | null; webhook: WebhookRow }) {
  if (!events) return <p class="notice">{t('skipped.unavailable')}</p>;
  if (events.length === 0) return <p class="notice">{t('skipped.none')}</p>;
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col">{t('deliveries.about')}</th>
          <th scope="col" class="w21">
            {t('deliveries.received')}
          </th>
          <th scope="col">{t('deliveries.why')}</th>
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
      <td data-label={t('deliveries.received')}>
        <Time at={at} />
      </td>
      <td data-label={t('deliveries.why')}>
        <span>
          {whyWords(skipped, webhook)}
          {Date.parse(at) < webhook.updatedAt && <span class="hint"> {t('skipped.changed')}</span>}
        </span>
      </td>
    </tr>
  );
}

/** Longest reason, in characters: there are up to 100 in the page. */
const MAX_LENGTH = 300;

/**
 * “This visitor was skipped, because this is not true: company size is at least 200.” A filter that has been changed since may not have that
 * place any more.
 */
export function whyWords(
  { why, event, failedConditions }: Pick<Skipped, 'why' | 'event' | 'failedConditions'>,
  { filter, once }: WebhookRow,
): string {
  if (why === 'repeated') return once ? t('skipped.repeated', { once: cut(onceWords(once)) }) : t('skipped.repeatedBefore');
  const noun = nounOf([event]);
  const conditions = cut(list(keptWords(filter, failedConditions)));
  return conditions === '' ? t('skipped.byFilter', { noun }) : t('skipped.byConditions', { noun, conditions });
}

function cut(words: string): string {
  return words.length > MAX_LENGTH ? `${words.slice(0, MAX_LENGTH).toWellFormed()} …` : words;
}
