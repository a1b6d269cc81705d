import { type ListedWebhook, type WebhookActivity, withActivity } from '../api/webhook-list.ts';
import { countOfEndpoints } from '../domain/listen-url.ts';
import { MAX_WEBHOOKS } from '../domain/webhook.ts';
import { AccountLinks } from './account/account-links.tsx';
import { Sparkline } from './charts/sparkline.tsx';
import { ConditionBadge, conditionOf } from './condition.tsx';
import { Icon } from './icons.tsx';
import { page } from './page.tsx';
import { paths } from './paths.ts';
import { PlanNotice, planAllows } from './plan-notice.tsx';
import { RelativeTime } from './time.tsx';
import type { PageContext, Visit } from './visit.ts';
import { WebhookUrl } from './webhook-url.tsx';
import { count, percent, STATUS_WORDS } from './wording.ts';

/** `GET /`: the webhooks. What `listWebhooks` answers with `include=activity`, of the rows that came with the session: one read of D1. */
export async function showList(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhooks = await withActivity(c.env, visit.webhooks);
  return await page(
    c,
    { title: 'Webhooks', crumbs: [] },
    <>
      <ListHeader visit={visit} />
      {!planAllows(visit) && <PlanNotice visit={visit} hasWebhooks={webhooks.length > 0} />}
      {webhooks.length > 0 && <WebhookTable webhooks={webhooks} visit={visit} />}
      {webhooks.length === 0 && planAllows(visit) && <EmptyList visit={visit} />}
      <AccountLinks visit={visit} />
    </>,
  );
}

function ListHeader({ visit }: { visit: Visit }) {
  const { webhooks } = visit;
  const full = countOfEndpoints(webhooks) >= MAX_WEBHOOKS;
  return (
    <div class="page-head">
      <div>
        <h1>Webhooks</h1>
        <p class="lead">Events reach your own endpoints as they happen: signed, retried, and each attempt on record.</p>
      </div>
      {webhooks.length > 0 && planAllows(visit) && visit.can('write') && (
        <div class="actions">{full ? <span class="hint">All {MAX_WEBHOOKS} webhooks are in use.</span> : <AddWebhook />}</div>
      )}
    </div>
  );
}

function AddWebhook() {
  return (
    <a class="button primary" href={paths.create}>
      <Icon name="plus" />
      Add Webhook
    </a>
  );
}

function EmptyList({ visit }: { visit: Visit }) {
  return (
    <section class="card notice">
      <h2>No webhooks yet</h2>
      <p>
        A webhook is an address of yours that we send events to. The moment a visitor of your website is identified, their details arrive
        there as JSON: in your CRM, a workflow tool, or your own code.
      </p>
      <ol class="steps">
        <li>Enter the URL of your endpoint and choose the events it is to get.</li>
        <li>Send a test event, and see what your endpoint answers.</li>
        <li>Verify the signature, so that you know an event is from us.</li>
      </ol>
      {visit.can('write') ? <AddWebhook /> : <p>Your session can read only. Somebody who may change webhooks can add one.</p>}
    </section>
  );
}

function WebhookTable({ webhooks, visit }: { webhooks: readonly ListedWebhook[]; visit: Visit }) {
  return (
    <div class="card table-card" id="webhooks" data-live="">
      <table class="stacking">
        <thead>
          <tr>
            <th scope="col">Endpoint</th>
            <th scope="col" class="w17">
              Health
            </th>
            <th scope="col" class="w17">
              Events
            </th>
            <th scope="col" class="w17">
              Last 24 hours
            </th>
            <th scope="col" class="number w10">
              Success
            </th>
            <th scope="col" class="w13">
              Last delivery
            </th>
          </tr>
        </thead>
        <tbody>
          {webhooks.map((webhook) => (
            <WebhookRow webhook={webhook} visit={visit} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function WebhookRow({ webhook, visit }: { webhook: ListedWebhook; visit: Visit }) {
  const { activity } = webhook;
  const statistics = activity?.statistics;
  const condition = conditionOf(webhook, { included: planAllows(visit), lastDeliveredAt: activity?.lastDeliveredAt });
  const unknown = <span class="hint">Not available right now</span>;
  return (
    <tr>
      <th scope="row" class="endpoint">
        <a href={paths.webhook(webhook.id)}>{webhook.name}</a>
        <span class="hint">
          <WebhookUrl url={webhook.url} visit={visit} />
        </span>
        {webhook.description && <span class="hint">{webhook.description}</span>}
      </th>
      <td data-label="Health">
        <ConditionBadge condition={condition} />
      </td>
      <td data-label="Events">
        <EventNames names={webhook.events} />
      </td>
      <td data-label="Last 24 hours">{statistics ? <DayOfDeliveries statistics={statistics} /> : unknown}</td>
      <td data-label="Success" class="number">
        {statistics ? percent(statistics.totals.successRate) : '–'}
      </td>
      <td data-label="Last delivery">
        <LastDelivery activity={activity ?? null} nowMs={visit.nowMs} />
      </td>
    </tr>
  );
}

/** When it came, and what became of it where it did not arrive: of a webhook that is paused nothing was sent. */
function LastDelivery({ activity, nowMs }: { activity: WebhookActivity | null; nowMs: number }) {
  if (!activity) return <>–</>;
  if (!activity.lastDelivery) return <>None yet</>;
  const { status, createdAt } = activity.lastDelivery;
  return (
    <span class="last-delivery">
      <RelativeTime at={createdAt} nowMs={nowMs} />
      {status !== 'delivered' && <span class="hint">{STATUS_WORDS[status]}</span>}
    </span>
  );
}

function DayOfDeliveries({ statistics }: { statistics: NonNullable<NonNullable<ListedWebhook['activity']>['statistics']> }) {
  const { delivered, failed } = statistics.totals;
  return (
    <span class="day">
      <Sparkline statistics={statistics} />
      <span>{count(delivered + failed)}</span>
    </span>
  );
}

/** The first few of a webhook's events; the rest as a number. */
export function EventNames({ names, most = 2 }: { names: readonly string[]; most?: number }) {
  const shown = names.slice(0, most);
  return (
    <span class="tags">
      {shown.map((name) => (
        <span class="tag">{name === '*' ? 'All events' : name}</span>
      ))}
      {names.length > shown.length && <span class="hint">+{names.length - shown.length} more</span>}
    </span>
  );
}
