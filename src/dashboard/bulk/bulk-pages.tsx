import { cancelDeliveries, recoverDeliveries } from '../../api/bulk-actions.ts';
import { cancelDelivery } from '../../api/delivery-actions.ts';
import { notFound } from '../../api/errors.ts';
import type { CancelableStatus } from '../../domain/bulk.ts';
import { type Clock, clockOf, momentText, zoneName } from '../clock.ts';
import { listPath } from '../deliveries/neighbours.tsx';
import { dayProblems, type Filters, filtersFrom, isStatus, RANGES, type Range, spanOf } from '../delivery-filters.ts';
import { readForm } from '../form.ts';
import { page, rootCrumb } from '../page.tsx';
import { paths } from '../paths.ts';
import type { PageContext } from '../visit.ts';
import { done, leaveMessage } from '../webhook-actions.ts';
import { webhookCrumb, webhookOf } from '../webhook-page.tsx';
import { exactlyCounted, STATUS_WORDS } from '../wording.ts';
import { countOf, isRecoverable, Kept, matchingBody, whatOf } from './matching.tsx';

/** `GET <webhook>/deliveries/retry-all`: asks once more before what was delivered is sent again. */
export async function showRetryAll(c: PageContext): Promise<Response> {
  return await ask(c, 'retry', 'retry-all', (many) => ({
    title: 'Send these deliveries once more?',
    text:
      `${many} ${STATUS_WORDS[filtersOf(c).status ?? 'delivered'].toLowerCase()}. Each is sent again with the same payload and the same webhook-id: a receiver ` +
      'that knows what it has already ignores it, and any other takes it as new. They go out a few at a time, oldest first.',
    button: 'Send once more',
    danger: false,
  }));
}

/** `GET <webhook>/deliveries/cancel-all`: asks once more before what waits is given up. */
export async function showCancelAll(c: PageContext): Promise<Response> {
  return await ask(c, 'cancel', 'cancel-all', (many) => ({
    title: 'Cancel these deliveries?',
    text:
      `${many} waiting for ${filtersOf(c).status === 'pending' ? 'a first attempt' : 'a retry'}. They are not attempted any more, and stand in the log as discarded. ` +
      'An attempt that runs right now is left to end. You can retry them later.',
    button: 'Cancel them',
    danger: true,
  }));
}

interface Question {
  title: string;
  text: string;
  button: string;
  danger: boolean;
}

async function ask(c: PageContext, what: 'retry' | 'cancel', part: string, question: (many: string) => Question): Promise<Response> {
  const webhook = webhookOf(c);
  const filters = filtersOf(c);
  if (whatOf(filters) !== what) throw notFound('page');
  const count = await countOf(c.get('visit'), webhook.id, filters);
  const { title, text, button, danger } = question(
    count === null ? 'Those that match are' : exactlyCounted(count, 'delivery is', 'deliveries are'),
  );
  const list = { name: 'Deliveries', path: listPath(webhook.id, filters) };
  return await page(
    c,
    { title, crumbs: [rootCrumb, webhookCrumb(webhook), list] },
    <section class="card notice">
      <h1>{title}</h1>
      <p>{text}</p>
      <p class="hint">{spanWords(filters, clockOf(c))}</p>
      <form method="post" action={paths.webhook(webhook.id, `deliveries/${part}`)} class="actions">
        <Kept filters={filters} />
        <button type="submit" class={danger ? 'danger' : 'primary'}>
          {button}
        </button>
        <a class="button" href={list.path}>
          Back
        </a>
      </form>
    </section>,
  );
}

/** `POST <webhook>/deliveries/retry-all`. */
export async function retryAll(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const filters = filtersIn(c, await readForm(c));
  const { status } = filters;
  const { nowMs, call } = c.get('visit');
  if (!isRecoverable(status) || whatOf(filters) !== 'retry') throw notFound('page');
  return await leaveMessage(c, paths.webhook(id), async () => {
    const body = { ...matchingBody(filters, nowMs), status: [status] };
    const { count } = await call(recoverDeliveries, { params: { webhookId: id }, body });
    if (count === 0) return { ...done('Nothing matches any more: there is nothing to retry.'), path: listPath(id, filters) };
    return done(`${exactlyCounted(count, 'delivery starts', 'deliveries start')} over. They go out a few at a time.`);
  });
}

/** `POST <webhook>/deliveries/cancel-all`. */
export async function cancelAll(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const filters = filtersIn(c, await readForm(c));
  const { nowMs, call } = c.get('visit');
  if (whatOf(filters) !== 'cancel') throw notFound('page');
  return await leaveMessage(c, paths.webhook(id, 'deliveries'), async () => {
    const body = { ...matchingBody(filters, nowMs), status: [filters.status as CancelableStatus] };
    const { count } = await call(cancelDeliveries, { params: { webhookId: id }, body });
    return done(
      count === 0
        ? 'Nothing matches any more: there is nothing to cancel.'
        : `${exactlyCounted(count, 'delivery is', 'deliveries are')} canceled.`,
    );
  });
}

/** `POST <webhook>/deliveries/<delivery>/cancel`. */
export async function cancelOne(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const deliveryId = c.req.param('deliveryId') ?? '';
  return await leaveMessage(c, paths.delivery(id, deliveryId), async () => {
    await c.get('visit').call(cancelDelivery, { params: { webhookId: id, deliveryId } });
    return done('The delivery is canceled.');
  });
}

const filtersOf = (c: PageContext): Filters => checked(filtersFrom((name) => c.req.query(name), clockOf(c).zone));
const filtersIn = (c: PageContext, form: URLSearchParams): Filters =>
  checked(filtersFrom((name) => form.get(name) ?? undefined, clockOf(c).zone));

/** What no page of ours has sent is not there. */
function checked(filters: Filters): Filters {
  if (dayProblems(filters).size > 0 || !isStatus(filters.status)) throw notFound('page');
  return filters;
}

/** “Of visitor.identified, accepted from 23 Nov 2026, 00:00:00 to 24 Nov 2026, 10:00:00 (Europe/Berlin).” */
function spanWords(filters: Filters, clock: Clock): string {
  const of = filters.event ? `Of ${filters.event}` : 'Of every event';
  if (filters.range) return `${of}, accepted in the ${RANGES[filters.range as Range].name.toLowerCase()}.`;
  const { from, to } = spanOf(filters, 0);
  const ends = [from !== undefined && `from ${momentText(clock, from)}`, to !== undefined && `to ${momentText(clock, to)}`].filter(Boolean);
  return ends.length === 0 ? `${of}, of any time that the log still has.` : `${of}, accepted ${ends.join(' ')} (${zoneName(clock)}).`;
}
