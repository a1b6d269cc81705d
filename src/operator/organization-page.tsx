import { createDashboardLink } from '../api/access/dashboard-links.ts';
import { getUsage } from '../api/account/usage.ts';
import { getOrganizationRoute, putOrganizationRoute } from '../api/platform/organizations.ts';
import { type ListedWebhook, listWebhooks } from '../api/webhooks/webhook-list.ts';
import { ConditionBadge, conditionOf } from '../dashboard/parts/condition.tsx';
import { readForm, textOf } from '../dashboard/parts/form.ts';
import { RelativeTime, Time } from '../dashboard/parts/time.tsx';
import { exactly, percent } from '../dashboard/parts/wording.ts';
import { includesWebhooks, PLANS, type Plan } from '../domain/plan.ts';
import { DAY_MS, dayOf } from '../domain/text/day.ts';
import { dayText } from '../domain/usage.ts';
import { hostOf } from '../domain/webhook/webhook.ts';
import { within } from '../within.ts';
import { page } from './layout.tsx';
import { paths } from './paths.ts';
import type { OperatorContext } from './session.ts';

/** What the person is called in the organization's audit log and sessions who signs in from here. */
const SUBJECT = 'Support of the service';

/** Days of usage that are shown, and how long they may take: a page comes without them. */
const USAGE_DAYS = 7;
const USAGE_TIMEOUT_MS = 3_000;

type Usage = Awaited<ReturnType<typeof usageOf>>;
type Shown = Awaited<ReturnType<typeof organizationOf>>;

/** `GET organizations/{id}`: its plan, its webhooks and how they are doing. */
export async function showOrganization(c: OperatorContext): Promise<Response> {
  const { nowMs, call } = c.get('operator');
  const organization = await organizationOf(c);
  const [{ webhooks }, usage] = await Promise.all([
    call(listWebhooks, { params: { organizationId: organization.id }, query: { include: 'activity' } }),
    usageOf(c, organization.id, nowMs),
  ]);
  const done = c.req.query('done') === 'plan' ? 'The plan is changed. It is in force everywhere within 5 seconds.' : undefined;
  return await page(
    c,
    { title: organization.name, done },
    <>
      <div class="page-head">
        <div>
          <h1>{organization.name}</h1>
          <p class="lead">
            <code>{organization.id}</code> · since <Time at={organization.createdAt} />
          </p>
        </div>
        <form method="post" action={paths.organization(organization.id, 'dashboard')}>
          <button type="submit">Sign in to their dashboard</button>
        </form>
      </div>
      <p class="hint">Signing in is in their audit log, as done by the platform.</p>
      <PlanForm organization={organization} />
      <section id="webhooks" data-live="" class="card table-card" aria-labelledby="webhooks-title">
        <h2 id="webhooks-title" class="table-title">
          Webhooks, with their last 24 hours
        </h2>
        {webhooks.length === 0 ? <p class="notice hint">None.</p> : <Webhooks webhooks={webhooks} plan={organization.plan} nowMs={nowMs} />}
      </section>
      <UsageTable usage={usage} />
    </>,
  );
}

async function organizationOf(c: OperatorContext) {
  const organizationId = c.req.param('organizationId') ?? '';
  return await c.get('operator').call(getOrganizationRoute, { params: { organizationId } });
}

/** What it has used lately; null: it could not be counted in time. */
async function usageOf(c: OperatorContext, organizationId: string, nowMs: number) {
  const from = dayText(dayOf(nowMs - (USAGE_DAYS - 1) * DAY_MS));
  const asked = c.get('operator').call(getUsage, { params: { organizationId }, query: { from } });
  return await within(USAGE_TIMEOUT_MS, asked).catch(() => null);
}

/** `POST organizations/{id}/plan`. Its entry in their audit log names the platform. */
export async function submitPlan(c: OperatorContext): Promise<Response> {
  const { id, name } = await organizationOf(c);
  const plan = textOf(await readForm(c), 'plan') as Plan;
  await c.get('operator').call(putOrganizationRoute, { params: { organizationId: id }, body: { name, plan } });
  return c.redirect(`${paths.organization(id)}?done=plan`, 303);
}

/** `POST organizations/{id}/dashboard`: a link that signs in to their dashboard, once, and the way there. */
export async function submitSignInToDashboard(c: OperatorContext): Promise<Response> {
  const { id } = await organizationOf(c);
  const { url } = await c
    .get('operator')
    .call(createDashboardLink, { params: { organizationId: id }, body: { scope: 'admin', subject: SUBJECT } });
  // On this origin, whatever PUBLIC_URL says: a form of ours leads nowhere else (policy: form-action).
  return c.redirect(new URL(url).pathname, 303);
}

function PlanForm({ organization: { id, plan } }: { organization: Shown }) {
  return (
    <form method="post" action={paths.organization(id, 'plan')} class="list-filter">
      <label for="plan">Plan</label>
      <select id="plan" name="plan" aria-describedby="plan-hint">
        {PLANS.map((each) => (
          <option value={each} selected={each === plan}>
            {each}
          </option>
        ))}
      </select>
      <button type="submit">Change the plan</button>
      <p class="hint" id="plan-hint">
        {includesWebhooks(plan as Plan) ? 'Webhooks are part of it.' : 'Webhooks are not part of it: nothing is sent.'} Below scale, what
        comes is dropped, and what waits is discarded when it falls due. It can be recovered later.
      </p>
    </form>
  );
}

function UsageTable({ usage }: { usage: Usage }) {
  if (!usage) return <p class="hint">Its usage could not be counted in time.</p>;
  const { days, totals, quota } = usage;
  const rows = [...days.map(({ day, ...use }) => ({ name: day, ...use })).reverse(), { name: `${days.length} days`, ...totals }];
  return (
    <section class="card table-card" aria-labelledby="usage-title">
      <h2 id="usage-title" class="table-title">
        Usage by UTC day{quota.eventsPerDay === null ? '' : `; its plan is meant for ${exactly(quota.eventsPerDay)} events a day`}
      </h2>
      <table class="stacking">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col" class="number">
              Events
            </th>
            <th scope="col" class="number">
              Deliveries
            </th>
            <th scope="col" class="number">
              Attempts
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, events, deliveries, attempts }) => (
            <tr>
              <th scope="row">{name}</th>
              <td data-label="Events" class="number">
                {exactly(events)}
              </td>
              <td data-label="Deliveries" class="number">
                {exactly(deliveries)}
              </td>
              <td data-label="Attempts" class="number">
                {exactly(attempts)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Webhooks({ webhooks, plan, nowMs }: { webhooks: readonly ListedWebhook[]; plan: string; nowMs: number }) {
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col">Webhook</th>
          <th scope="col" class="w17">
            State
          </th>
          <th scope="col" class="number w13">
            Delivered
          </th>
          <th scope="col" class="number w10">
            Failed
          </th>
          <th scope="col" class="number w10">
            Wait
          </th>
          <th scope="col" class="w17">
            Last arrived
          </th>
        </tr>
      </thead>
      <tbody>
        {webhooks.map((webhook) => (
          <WebhookRow webhook={webhook} plan={plan} nowMs={nowMs} />
        ))}
      </tbody>
    </table>
  );
}

function WebhookRow({ webhook, plan, nowMs }: { webhook: ListedWebhook; plan: string; nowMs: number }) {
  const { id, name, url, activity } = webhook;
  const lastDeliveredAt = activity?.lastDeliveredAt;
  const totals = activity?.statistics?.totals;
  const condition = conditionOf(webhook, { included: includesWebhooks(plan as Plan), lastDeliveredAt });
  return (
    <tr>
      <th scope="row">
        {name ?? hostOf(url)}
        <span class="hint">
          {' '}
          {hostOf(url)} · {id}
        </span>
      </th>
      <td data-label="State">
        <ConditionBadge condition={condition} />
      </td>
      <td data-label="Delivered" class="number">
        {totals ? `${exactly(totals.delivered)} (${percent(totals.successRate)})` : 'not known'}
      </td>
      <td data-label="Failed" class="number">
        {totals ? exactly(totals.failed) : '–'}
      </td>
      <td data-label="Wait" class="number">
        {activity?.statistics ? exactly(activity.statistics.waiting) : '–'}
      </td>
      <td data-label="Last arrived">{lastDeliveredAt ? <RelativeTime at={lastDeliveredAt} nowMs={nowMs} /> : '–'}</td>
    </tr>
  );
}
