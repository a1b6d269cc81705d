import type { Child } from 'hono/jsx';
import { type ApiError, notFound } from '../../api/errors.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { nameOf } from '../../domain/webhook/webhook.ts';
import { causeBadge } from '../attention/failure-words.ts';
import type { Outlook } from '../attention/outlook.ts';
import { chosenWords } from '../choices/webhook-words.ts';
import type { Flash } from '../frame/flash.ts';
import type { Crumb } from '../frame/layout.tsx';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { ConditionBadge, conditionOf } from '../parts/condition.tsx';
import { planAllows } from '../parts/plan-notice.tsx';
import type { Hold } from '../parts/time.tsx';
import { t } from '../words/words.tsx';
import { WebhookUrl } from './webhook-url.tsx';

const TABS = [
  ['', 'webhook.tab.overview'],
  ['deliveries', 'webhook.tab.deliveries'],
  ['verify', 'webhook.tab.signatures'],
  ['settings', 'webhook.tab.settings'],
] as const;

export type Tab = (typeof TABS)[number][0];

/** The webhook that a path names: one of the session's organization, or a 404. */
export function webhookOf(c: PageContext): WebhookRow {
  const webhook = c.get('visit').webhooks.find(({ id }) => id === c.req.param('webhookId'));
  if (!webhook) throw notFound('webhook');
  return webhook;
}

export function webhookCrumb(webhook: WebhookRow): Crumb {
  return { name: nameOf(webhook), path: paths.webhook(webhook.id) };
}

interface WebhookPageOptions {
  webhook: WebhookRow;
  tab: Tab;
  title: string;
  status?: ApiError['status'] | 200;
  outlook: Outlook;
  flash?: Flash;
}

/** A page of one webhook: its head, its tabs, and what the tab shows. */
export async function webhookPage(
  c: PageContext,
  { webhook, tab, title, status, outlook, flash }: WebhookPageOptions,
  content: Child,
): Promise<Response> {
  // The answer to a form stands where the form was posted to: what is new is read from the page's own address.
  const liveFrom = c.req.method === 'POST' ? paths.webhook(webhook.id, tab) : undefined;
  return await page(
    c,
    { title: t('webhook.pageTitle', { page: title, webhook: nameOf(webhook) }), crumbs: [rootCrumb], status, flash },
    <>
      <WebhookHead webhook={webhook} visit={c.get('visit')} outlook={outlook} />
      <nav class="tabs" aria-label={t('webhook.tabs')} data-live-from={liveFrom}>
        {TABS.map(([part, name]) => (
          <a href={paths.webhook(webhook.id, part)} aria-current={part === tab ? 'page' : undefined}>
            {t(name)}
          </a>
        ))}
      </nav>
      {content}
    </>,
  );
}

function WebhookHead({ webhook, visit, outlook }: { webhook: WebhookRow; visit: Visit; outlook: Outlook }) {
  const condition = conditionOf(webhook, { included: planAllows(visit), lastDeliveredAt: outlook.lastDeliveredAt });
  const { lastFailure } = outlook;
  const isFailing = condition === 'failing' || condition === 'open';
  const said = chosenWords(webhook);
  return (
    <div class="page-head">
      <div>
        <h1>{nameOf(webhook)}</h1>
        <p class="hint">
          <WebhookUrl url={webhook.url} visit={visit} />
        </p>
        <p class="lead" id="condition" data-live="">
          <ConditionBadge condition={condition} word={isFailing && lastFailure ? causeBadge(lastFailure.cause) : undefined} />
          {webhook.description && <span>{webhook.description}</span>}
        </p>
        {said !== '' && <p class="chosen">{said}</p>}
      </div>
      {visit.can('write') && <div class="actions">{planAllows(visit) && <SendTest webhook={webhook} />}</div>}
    </div>
  );
}

/** What keeps a webhook's deliveries back. */
export function holdOf({ enabled, health }: WebhookRow, visit: Visit): Hold {
  if (!enabled || !planAllows(visit)) return 'stopped';
  return health === 'open' ? 'held' : null;
}

/** Sends the example of an event that the webhook subscribes to; the answer is the page of tests, where it can be edited and sent again. */
function SendTest({ webhook }: { webhook: WebhookRow }) {
  return (
    <form method="post" action={paths.webhook(webhook.id, 'test-event')}>
      <button type="submit" class="primary" data-busy={t('button.sending')}>
        {t('test.send')}
      </button>
    </form>
  );
}
