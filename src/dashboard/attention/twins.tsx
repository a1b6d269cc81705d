import type { WebhookRow } from '../../db/webhooks.ts';
import { nameOf } from '../../domain/webhook.ts';
import { paths } from '../paths.ts';
import type { Visit } from '../visit.ts';
import { Banner } from './banner.tsx';

/** The other webhooks that have the same URL. Two are allowed, and mostly a mistake. */
export function twinsOf(webhook: { id: string; url: string }, webhooks: readonly WebhookRow[]): WebhookRow[] {
  // As requests go to it, however it was typed.
  const { href } = new URL(webhook.url);
  return webhooks.filter(({ id, url }) => id !== webhook.id && new URL(url).href === href);
}

/** Says that other webhooks have the same URL. */
export function Twins({ webhook, visit }: { webhook: WebhookRow; visit: Visit }) {
  const twins = twinsOf(webhook, visit.webhooks);
  if (twins.length === 0) return null;
  return (
    <Banner
      tone="info"
      title={twins.length === 1 ? 'Another webhook has the same URL' : `${twins.length} other webhooks have the same URL`}
    >
      <p>
        An event that {twins.length === 1 ? 'both' : 'several of them'} subscribe to arrives there more than once. See{' '}
        {twins.map((twin, index) => (
          <>
            {index > 0 && ', '}
            <a href={paths.webhook(twin.id)}>{nameOf(twin)}</a>
          </>
        ))}
        .
      </p>
    </Banner>
  );
}
