import type { WebhookRow } from '../../db/webhooks.ts';
import { nameOf } from '../../domain/webhook/webhook.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { rich, t } from '../words/words.tsx';
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
  const count = twins.length;
  const webhooks = (
    <>
      {twins.map((twin, index) => (
        <>
          {index > 0 && ', '}
          <a href={paths.webhook(twin.id)}>{nameOf(twin)}</a>
        </>
      ))}
    </>
  );
  return (
    <Banner tone="info" title={t('attention.twins', { count })}>
      <p>{rich('attention.twinsHint', { count, webhooks })}</p>
    </Banner>
  );
}
