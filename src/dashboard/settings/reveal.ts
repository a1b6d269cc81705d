import { revealWebhookSecret } from '../../api/webhooks/webhook-secrets.ts';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { done, leaveMessage } from '../webhook/webhook-actions.ts';
import { webhookOf } from '../webhook/webhook-page.tsx';
import { t } from '../words/words.tsx';
import { settingsPage } from './settings-page.tsx';

/** `POST <webhook>/secret/reveal`: a POST, so that no link and no prefetching shows a secret. */
export async function revealSecret(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  return await leaveMessage(c, paths.webhook(id, 'settings'), async () => {
    const { secret } = await c.get('visit').call(revealWebhookSecret, { params: { webhookId: id } });
    return secret === null ? done(t('settings.noSecret')) : done(t('settings.revealed'), secret);
  });
}

/** `POST <webhook>/headers/reveal`: its answer is the page itself. All of the values are more than what a message can carry. */
export async function revealHeaders(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const { headers } = await c.get('visit').call(revealWebhookSecret, { params: { webhookId: id } });
  return await settingsPage(c, { headers: headers ?? {} });
}
