import { cancelDeliveries, recoverDeliveries } from '../../api/deliveries/bulk-actions.ts';
import { cancelDelivery } from '../../api/deliveries/delivery-actions.ts';
import { notFound } from '../../api/errors.ts';
import type { CancelableStatus } from '../../domain/delivery/bulk.ts';
import { dayProblems, type Filters, filtersFrom, isStatus, type Range, spanOf } from '../deliveries/delivery-filters.ts';
import { listPath } from '../deliveries/neighbours.tsx';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { type Clock, clockOf, momentText, zoneName } from '../parts/clock.ts';
import { readForm } from '../parts/form.ts';
import { STATUS_WORDS } from '../parts/wording.ts';
import { done, leaveMessage } from '../webhook/webhook-actions.ts';
import { webhookCrumb, webhookOf } from '../webhook/webhook-page.tsx';
import { t } from '../words/words.tsx';
import { countOf, isRecoverable, Kept, matchingBody, whatOf } from './matching.tsx';

/** `GET <webhook>/deliveries/retry-all`: asks once more before what was delivered is sent again. */
export async function showRetryAll(c: PageContext): Promise<Response> {
  return await ask(c, 'retry', 'retry-all', {
    title: t('bulk.retryTitle'),
    text: t('bulk.retryHint'),
    button: t('bulk.retryButton'),
    danger: false,
  });
}

/** `GET <webhook>/deliveries/cancel-all`: asks once more before what waits is given up. */
export async function showCancelAll(c: PageContext): Promise<Response> {
  return await ask(c, 'cancel', 'cancel-all', {
    title: t('bulk.cancelTitle'),
    text: t('bulk.cancelHint'),
    button: t('bulk.cancelButton'),
    danger: true,
  });
}

interface Question {
  title: string;
  text: string;
  button: string;
  danger: boolean;
}

async function ask(c: PageContext, what: 'retry' | 'cancel', part: string, question: Question): Promise<Response> {
  const webhook = webhookOf(c);
  const filters = filtersOf(c);
  if (whatOf(filters) !== what) throw notFound('page');
  const count = await countOf(c.get('visit'), webhook.id, filters);
  const { title, text, button, danger } = question;
  const list = { name: t('deliveries.title'), path: listPath(webhook.id, filters) };
  return await page(
    c,
    { title, crumbs: [rootCrumb, webhookCrumb(webhook), list] },
    <section class="card notice">
      <h1>{title}</h1>
      <p>
        {count !== null && t('bulk.matching', { count })} {text}
      </p>
      <p class="hint">{spanWords(filters, clockOf(c))}</p>
      <form method="post" action={paths.webhook(webhook.id, `deliveries/${part}`)} class="actions">
        <Kept filters={filters} />
        <button type="submit" class={danger ? 'danger' : 'primary'}>
          {button}
        </button>
        <a class="button" href={list.path}>
          {t('bulk.back')}
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
    if (count === 0) return { ...done(t('bulk.retriedNone')), path: listPath(id, filters) };
    return done(t('bulk.retried', { count }));
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
    return done(count === 0 ? t('bulk.canceledNone') : t('bulk.canceled', { count }));
  });
}

/** `POST <webhook>/deliveries/<delivery>/cancel`. */
export async function cancelOne(c: PageContext): Promise<Response> {
  const { id } = webhookOf(c);
  const deliveryId = c.req.param('deliveryId') ?? '';
  return await leaveMessage(c, paths.delivery(id, deliveryId), async () => {
    await c.get('visit').call(cancelDelivery, { params: { webhookId: id, deliveryId } });
    return done(t('bulk.canceledOne'));
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

/** “Delivered · Event: visitor.identified · received from 23 Nov 2026, 00:00:00 to 24 Nov 2026, 10:00:00 (Europe/Berlin)” */
function spanWords(filters: Filters, clock: Clock): string {
  const { status, event } = filters;
  return [
    ...(status === undefined ? [] : [STATUS_WORDS[status]]),
    event === undefined ? t('bulk.everyEvent') : t('bulk.event', { event }),
    timeWords(filters, clock),
  ].join(' · ');
}

function timeWords(filters: Filters, clock: Clock): string {
  if (filters.range) return t(`bulk.range.${filters.range as Range}`);
  const span = spanOf(filters, 0);
  const zone = zoneName(clock);
  const [from, to] = [span.from, span.to].map((at) => (at === undefined ? undefined : momentText(clock, at)));
  if (from === undefined) return to === undefined ? t('bulk.anyTime') : t('bulk.until', { to, zone });
  return to === undefined ? t('bulk.from', { from, zone }) : t('bulk.between', { from, to, zone });
}
