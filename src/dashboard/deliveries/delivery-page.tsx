import { getDelivery } from '../../api/deliveries/deliveries.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import type { AttemptRecord } from '../../domain/delivery/delivery.ts';
import { causeOf } from '../../domain/delivery/failure.ts';
import { VISITOR_ERASED } from '../../domain/event/operational-event.ts';
import { helpWith } from '../attention/failure-words.ts';
import { LIVE_HEADER, page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { Badge, StatusBadge, TestBadge } from '../parts/condition.tsx';
import { Copyable, CopyButton } from '../parts/copyable.tsx';
import { planAllows } from '../parts/plan-notice.tsx';
import type { Excerpt } from '../parts/room.ts';
import { type Hold, NextAttempt, Time } from '../parts/time.tsx';
import { REASON_WORDS, TRIGGER_WORDS, took } from '../parts/wording.ts';
import { type OtherDelivery, OtherWebhooks, othersOf } from '../search/other-webhooks.tsx';
import { holdOf, webhookCrumb, webhookOf } from '../webhook/webhook-page.tsx';
import { WebhookUrl } from '../webhook/webhook-url.tsx';
import { rich, t } from '../words/words.tsx';
import { Bodies, Cut } from './delivery-bodies.tsx';
import { type AttemptTexts, type ShownHeaders, textsOf } from './delivery-texts.ts';
import { listPath, NeighbourLinks, type Neighbours, neighboursOf } from './neighbours.tsx';

type ShownAttempt = Omit<AttemptRecord, 'startedAt'> & { startedAt: string };

type ShownDelivery = Awaited<ReturnType<typeof readDelivery>>;

/** `GET <webhook>/deliveries/<delivery>`: what was sent, and how each attempt went. */
export async function showDelivery(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const deliveryId = c.req.param('deliveryId') ?? '';
  const [delivery, neighbours] = await Promise.all([readDelivery(visit, webhook.id, deliveryId), neighboursOf(c, webhook.id, deliveryId)]);
  // Who brings the attempts up to date has this already.
  const others = c.req.header(LIVE_HEADER) === undefined ? await othersOf(visit, delivery) : [];
  const deliveries = { name: t('deliveries.title'), path: listPath(webhook.id, neighbours.filters) };
  return await page(
    c,
    { title: titleOf(delivery), crumbs: [rootCrumb, webhookCrumb(webhook), deliveries] },
    <DeliveryContent delivery={delivery} webhook={webhook} visit={visit} neighbours={neighbours} others={others} />,
  );
}

interface DeliveryProps {
  delivery: ShownDelivery;
  webhook: WebhookRow;
  visit: Visit;
}

interface ContentProps extends DeliveryProps {
  neighbours?: Neighbours;
  others?: readonly OtherDelivery[];
}

/** The page's content: at most 500 kB, whatever was sent and answered. */
export function DeliveryContent({ delivery, webhook, visit, neighbours, others = [] }: ContentProps) {
  const texts = textsOf(delivery, visit.can('write'));
  const time = <Time at={delivery.createdAt} />;
  const whole = `GET /api/v1/organization/${webhook.organizationId}/webhooks/${webhook.id}/deliveries/${delivery.id}`;
  return (
    <>
      {neighbours && <NeighbourLinks webhookId={webhook.id} neighbours={neighbours} />}
      <div class="page-head">
        <div>
          <h1>
            {delivery.subject ?? delivery.event} {delivery.test && <TestBadge />}
          </h1>
          <p class="lead">
            {delivery.subject ? rich('delivery.receivedEvent', { event: delivery.event, time }) : rich('delivery.received', { time })}
          </p>
        </div>
        <div class="actions" id="delivery-actions" data-live="">
          <Retry delivery={delivery} webhook={webhook} visit={visit} />
          <Cancel delivery={delivery} webhook={webhook} visit={visit} />
          <TestAgain delivery={delivery} webhook={webhook} visit={visit} />
        </div>
      </div>
      <div class="columns">
        <section aria-labelledby="attempts-title">
          <h2 id="attempts-title">{t('delivery.attempts')}</h2>
          <div id="attempts" data-live="">
            <Progress delivery={delivery} hold={holdOf(webhook, visit)} nowMs={visit.nowMs} />
            <Attempts delivery={delivery} texts={texts.attempts} whole={whole} />
          </div>
        </section>
        <aside>
          <Facts delivery={delivery} webhook={webhook} visit={visit} />
          {others.length > 0 && <OtherWebhooks others={others} />}
          <Bodies delivery={delivery} texts={texts} whole={whole} />
        </aside>
      </div>
    </>
  );
}

/** As the browser's tabs and history have it: whom it is about first. */
function titleOf({ subject, event, test }: ShownDelivery): string {
  const about = subject ? `${subject}, ${event}` : event;
  return test ? t('delivery.testTitle', { about }) : t('delivery.pageTitle', { about });
}

async function readDelivery(visit: Visit, webhookId: string, deliveryId: string) {
  return await visit.call(getDelivery, { params: { webhookId, deliveryId } });
}

/** An attempt runs where one has begun that is not on record yet. */
function attemptRuns({ attemptCount, attempts, status, nextAttemptAt }: ShownDelivery): boolean {
  return attemptCount > attempts.length && (nextAttemptAt === null || status === 'pending');
}

function Retry({ delivery, webhook, visit }: DeliveryProps) {
  if (!visit.can('write') || !planAllows(visit) || (delivery.payload ?? delivery.acceptedPayload) === null) return null;
  if (!webhook.enabled) return <span class="hint">{t('delivery.notEnabled')}</span>;
  if (attemptRuns(delivery)) return <span class="hint">{t('delivery.running')}</span>;
  return (
    <form method="post" action={paths.delivery(webhook.id, delivery.id, 'retry')}>
      <button type="submit" class={delivery.status === 'delivered' ? '' : 'primary'} data-busy={t('attention.retrying')}>
        {t('delivery.retryNow')}
      </button>
    </form>
  );
}

/** What waits can be given up. */
function Cancel({ delivery, webhook, visit }: DeliveryProps) {
  if (!visit.can('write') || delivery.nextAttemptAt === null || attemptRuns(delivery)) return null;
  return (
    <form method="post" action={paths.delivery(webhook.id, delivery.id, 'cancel')}>
      <button type="submit">{t('delivery.cancel')}</button>
    </form>
  );
}

/** Sends the delivery's event as a test: in the form that the webhook has now. */
function TestAgain({ delivery, webhook, visit }: DeliveryProps) {
  if (
    delivery.event === VISITOR_ERASED ||
    !visit.can('write') ||
    !planAllows(visit) ||
    (delivery.payload ?? delivery.acceptedPayload) === null
  )
    return null;
  return (
    <form method="post" class="actions" action={paths.webhook(webhook.id, 'test')}>
      <input type="hidden" name="deliveryId" value={delivery.id} />
      <button type="submit" data-busy={t('attention.sending')}>
        {t('delivery.sendAsTest')}
      </button>
      <a class="button" href={`${paths.webhook(webhook.id, 'test-event')}?from=${delivery.id}`}>
        {t('test.editAndSend')}
      </a>
    </form>
  );
}

function Progress({ delivery, hold, nowMs }: { delivery: ShownDelivery; hold: Hold; nowMs: number }) {
  const { status, reason, nextAttemptAt } = delivery;
  return (
    <p class="progress">
      {/* Read out when it changes; the countdown beside it is not. */}
      <span role="status">
        <StatusBadge status={status} />
      </span>
      <span>
        {reason && REASON_WORDS[reason]}
        {attemptRuns(delivery) && t('delivery.runningNow')}
        {nextAttemptAt && (
          <>
            {rich('delivery.next', { next: <NextAttempt at={nextAttemptAt} hold={hold} nowMs={nowMs} /> })} {hold && t(`delivery.${hold}`)}
          </>
        )}
      </span>
    </p>
  );
}

function Attempts({ delivery, texts, whole }: { delivery: ShownDelivery; texts: readonly AttemptTexts[]; whole: string }) {
  if (delivery.attempts.length === 0) return <p class="card notice">{noAttempts(delivery)}</p>;
  const last = delivery.attempts.length - 1;
  const newestFirst = delivery.attempts.flatMap((attempt, index) => {
    const shown = texts[index];
    return shown ? [{ attempt, texts: shown, open: index === last }] : [];
  });
  newestFirst.reverse();
  return (
    <ol class="timeline" reversed>
      {newestFirst.map((shown) => (
        <Attempt {...shown} whole={whole} />
      ))}
    </ol>
  );
}

/** Why no attempt is shown. */
function noAttempts(delivery: ShownDelivery): string {
  if (attemptRuns(delivery)) return t('delivery.firstRuns');
  return delivery.finishedAt === null ? t('delivery.noAttemptYet') : t('delivery.noAttempt');
}

interface AttemptProps {
  attempt: ShownAttempt;
  texts: AttemptTexts;
  open: boolean;
  /** Where the API has all of it. */
  whole: string;
}

function Attempt({ attempt, texts, open, whole }: AttemptProps) {
  const { number, trigger, startedAt, outcome, durationMs } = attempt;
  const { url, error, body, curl, requestHeaders, responseHeaders, isCut } = texts;
  const succeeded = outcome === 'succeeded';
  return (
    <li class={succeeded ? 'good' : 'bad'} id={`attempt-${number}`}>
      <details open={open} id={`attempt-${number}-details`}>
        <summary>
          <Badge word={answerWord(attempt)} icon={succeeded ? 'check' : 'cross'} tone={succeeded ? 'good' : 'bad'} />
          <strong>{t('delivery.attempt', { number })}</strong>
          <span class="hint">{TRIGGER_WORDS[trigger]}</span>
          <span class="hint push">{took(durationMs)}</span>
        </summary>
        <p>
          <Time at={startedAt} />
        </p>
        {error && <p class="error">{error}</p>}
        {open && outcome === 'failed' && (
          <p>{helpWith({ cause: causeOf(attempt), status: attempt.responseStatus, error: attempt.error })}</p>
        )}
        <h3>{t('delivery.response')}</h3>
        <ResponseBody attempt={attempt} body={body} />
        {responseHeaders && <Headers name={t('delivery.responseHeaders')} headers={responseHeaders} />}
        <div class="with-copy">
          <h3>{t('delivery.request')}</h3>
          {curl !== null && <CopyButton text={curl}>{t('delivery.copyCurl')}</CopyButton>}
        </div>
        {url && <p class="url">POST {url}</p>}
        <Headers name={t('delivery.requestHeaders')} headers={requestHeaders} />
        {isCut && <Cut whole={whole} />}
      </details>
    </li>
  );
}

/** How it was answered, for a badge. */
function answerWord({ responseStatus, outcome }: ShownAttempt): string {
  if (responseStatus !== null) return String(responseStatus);
  return outcome === 'interrupted' ? t('delivery.interrupted') : t('delivery.noResponse');
}

function ResponseBody({ attempt, body }: { attempt: ShownAttempt; body: Excerpt | null }) {
  const { responseStatus, responseBody, responseBodyEncoding, responseBodyTruncated } = attempt;
  if (responseStatus === null) return <p class="hint">{t('delivery.thereWasNone')}</p>;
  if (!responseBody || !body) return <p class="hint">{t('delivery.withoutBody', { status: responseStatus })}</p>;
  return (
    <>
      <pre tabindex={0}>{body.text}</pre>
      {responseBodyEncoding === 'base64' && <p class="hint">{t('delivery.notText')}</p>}
      {responseBodyTruncated && <p class="hint">{t('delivery.beginningKept')}</p>}
    </>
  );
}

function Headers({ name, headers: { entries, left } }: { name: string; headers: ShownHeaders }) {
  return (
    <details class="headers">
      <summary>
        {name} <span class="hint">({entries.length + left})</span>
      </summary>
      <dl class="header-list">
        {entries.map(([header, value]) => (
          <div>
            <dt>{header}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Facts({ delivery, webhook, visit }: DeliveryProps) {
  const { id, eventId, sessionId, attemptCount } = delivery;
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">{t('delivery.details')}</h2>
      <dl class="facts">
        <dt>{t('delivery.delivery')}</dt>
        <dd>
          <Copyable text={id} label={t('delivery.deliveryId')} />
        </dd>
        <dt>{t('delivery.event')}</dt>
        <dd>
          <Copyable text={eventId} label={t('delivery.eventId')} />
        </dd>
        {sessionId && (
          <>
            <dt>{t('delivery.session')}</dt>
            <dd>
              <Copyable text={sessionId} label={t('delivery.sessionId')} />
            </dd>
          </>
        )}
        <dt>{t('delivery.endpoint')}</dt>
        <dd>
          <WebhookUrl url={webhook.url} visit={visit} />
        </dd>
        <dt>{t('delivery.attempts')}</dt>
        <dd id="attempt-count" data-live="">
          {t('delivery.attemptCount', { count: attemptCount })}
        </dd>
      </dl>
    </section>
  );
}
