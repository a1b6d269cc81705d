import type { WebhookRow } from '../../db/webhooks.ts';
import { chosenWords } from '../choices/webhook-words.ts';
import type { Visit } from '../visit.ts';
import { EventNames } from '../webhook-list/webhook-table.tsx';
import { WebhookUrl } from '../webhook-url.tsx';

/** How many of a webhook's events are named. */
const MOST_EVENTS = 20;

/** The settings, for who may not change them. */
export function SettingsFacts({ webhook, visit }: { webhook: WebhookRow; visit: Visit }) {
  const { url, description, events } = webhook;
  const chosen = chosenWords(webhook);
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">What it sends, and where</h2>
      <dl class="facts">
        <dt>URL</dt>
        <dd>
          <WebhookUrl url={url} visit={visit} />
        </dd>
        {description && (
          <>
            <dt>Description</dt>
            <dd>{description}</dd>
          </>
        )}
        <dt>Events</dt>
        <dd>
          <EventNames names={events} most={MOST_EVENTS} />
        </dd>
        {chosen !== '' && (
          <>
            <dt>Sent</dt>
            <dd>{chosen}</dd>
          </>
        )}
      </dl>
    </section>
  );
}
