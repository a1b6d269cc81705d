import type { WebhookRow } from '../../db/webhooks.ts';
import { chosenWords } from '../choices/webhook-words.ts';
import type { Visit } from '../frame/visit.ts';
import { WebhookUrl } from '../webhook/webhook-url.tsx';
import { EventNames } from '../webhook-list/webhook-table.tsx';
import { t } from '../words/words.tsx';

/** How many of a webhook's events are named. */
const MOST_EVENTS = 20;

/** The settings, for who may not change them. */
export function SettingsFacts({ webhook, visit }: { webhook: WebhookRow; visit: Visit }) {
  const { url, description, events } = webhook;
  const chosen = chosenWords(webhook);
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">{t('settings.facts')}</h2>
      <dl class="facts">
        <dt>{t('settings.url')}</dt>
        <dd>
          <WebhookUrl url={url} visit={visit} />
        </dd>
        {description && (
          <>
            <dt>{t('settings.description')}</dt>
            <dd>{description}</dd>
          </>
        )}
        <dt>{t('settings.events')}</dt>
        <dd>
          <EventNames names={events} most={MOST_EVENTS} />
        </dd>
        {chosen !== '' && (
          <>
            <dt>{t('settings.sent')}</dt>
            <dd>{chosen}</dd>
          </>
        )}
      </dl>
    </section>
  );
}
