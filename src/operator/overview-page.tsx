import { Badge } from '../dashboard/parts/condition.tsx';
import { Icon, type IconName } from '../dashboard/parts/icons.tsx';
import { RelativeTime } from '../dashboard/parts/time.tsx';
import { count, exactly, relative, span } from '../dashboard/parts/wording.ts';
import { causeText, type FailingEndpoint } from '../domain/service/endpoints.ts';
import { type Finding, LATE_MINUTES, type Whose } from '../domain/service/facts.ts';
import type { Fault, QueueState } from '../domain/service/figures.ts';
import { verdictOf } from '../domain/service/verdict.ts';
import { hostOf } from '../domain/webhook/webhook.ts';
import { FlowChart } from './flow-chart.tsx';
import { page } from './layout.tsx';
import { type Overview, overviewOf } from './overview.ts';
import { paths } from './paths.ts';
import type { OperatorContext } from './session.ts';

/** `GET /operator`: is it us, or is it them? */
export async function showOverview(c: OperatorContext): Promise<Response> {
  const { nowMs } = c.get('operator');
  const overview = await overviewOf(c.env, nowMs);
  return await page(
    c,
    { title: 'Us or them?' },
    <>
      <Verdict findings={overview.findings} />
      <Figures overview={overview} nowMs={nowMs} />
      <div id="flow" data-live="" class="card">
        <FlowChart minutes={overview.minutes} nowMs={nowMs} />
      </div>
      <Endpoints overview={overview} nowMs={nowMs} />
      <Queues overview={overview} nowMs={nowMs} />
      <Faults overview={overview} nowMs={nowMs} />
      <Busiest overview={overview} />
      <p class="hint">
        Consumers and outboxes tell what they count within half a minute, and the cron looks at what waits once a minute. An isolate that
        vanishes takes its last seconds along, and an outbox that nobody calls what arrived last at an endpoint that takes seconds: these
        figures are for finding a fault, and not for a bill.
      </p>
    </>,
  );
}

const LOOKS: Record<Whose, { tone: string; icon: IconName }> = {
  us: { tone: 'bad', icon: 'warning' },
  them: { tone: 'warn', icon: 'info' },
  nobody: { tone: 'good', icon: 'check' },
};

function Verdict({ findings }: { findings: readonly Finding[] }) {
  const { whose, sentence, runbook } = verdictOf(findings);
  const { tone, icon } = LOOKS[whose];
  const others = findings.slice(1);
  return (
    <section id="verdict" data-live="" class={`banner verdict ${tone}`} aria-labelledby="verdict-title">
      <h1 id="verdict-title" class="visually-hidden">
        Us or them?
      </h1>
      <p class="verdict-line" role="status">
        <Icon name={icon} /> {sentence}
      </p>
      {runbook !== null && (
        <p>
          <a href={paths.runbook(runbook)}>What to do: the runbook</a>
        </p>
      )}
      {others.length > 0 && (
        <>
          <h2>Also</h2>
          <ul class="plain-list">
            {others.map((finding) => (
              <li>
                {finding.whose === 'us' ? 'Us: ' : finding.whose === 'them' ? 'Them: ' : ''}
                {finding.sentence} <a href={paths.runbook(finding.runbook)}>What to do</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** Of a minute, in the last few. */
function aMinute(sum: number | undefined): string {
  const mean = (sum ?? 0) / LATE_MINUTES;
  return mean > 0 && mean < 10 ? mean.toFixed(1) : count(Math.round(mean));
}

function Figures({ overview: { now, sample, waiting, isMetered, databaseMs, queues }, nowMs }: { overview: Overview; nowMs: number }) {
  const { counts } = now;
  const failed =
    (counts.rejects ?? 0) + (counts.has_errors ?? 0) + (counts.does_not_answer ?? 0) + (counts.unreachable ?? 0) + (counts.blocked ?? 0);
  const flow = (value: number | undefined) => (isMetered ? aMinute(value) : '–');
  const backlog = Object.values(queues).filter((state) => state !== null);
  return (
    <section id="figures" data-live="" aria-labelledby="figures-title">
      <h2 id="figures-title">
        Per minute, as the mean of the last {LATE_MINUTES}; and what waits
        {sample ? `, as of ${relative(sample.at, nowMs)}` : ': not known yet'}
      </h2>
      <dl class="figures">
        <Figure name="Events accepted" value={flow(counts.accepted)} hint={`${flow(counts.dropped)} wanted by nobody`} />
        <Figure name="Delivered" value={flow(counts.delivered)} />
        <Figure name="Attempts that failed" value={flow(failed)} hint={`${flow(counts.failed)} given up`} />
        <Figure
          name="Deliveries that wait"
          value={waiting ? `${count(waiting.deliveries)}${waiting.isAtLeast ? '+' : ''}` : '–'}
          hint={waiting ? `in ${count(waiting.outboxes)} outbox${waiting.outboxes === 1 ? '' : 'es'}` : 'not known'}
        />
        <Figure
          name="Messages in queues"
          value={backlog.length > 0 ? count(backlog.reduce((sum, { messages }) => sum + messages, 0)) : '–'}
          hint={backlog.length > 0 ? undefined : 'the queues do not say'}
        />
        <Figure name="Database" value={databaseMs === null ? 'no answer' : `${databaseMs} ms`} />
        <Figure name="Parked messages" value={sample?.parked ? count(sample.parked.messages) : '–'} />
      </dl>
    </section>
  );
}

function Figure({ name, value, hint }: { name: string; value: string; hint?: string }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        {value}
        {hint !== undefined && <span class="hint">{hint}</span>}
      </dd>
    </div>
  );
}

function Endpoints({ overview, nowMs }: { overview: Overview; nowMs: number }) {
  const { failing } = overview;
  return (
    <section id="endpoints" data-live="" class="card table-card" aria-labelledby="endpoints-title">
      <h2 id="endpoints-title" class="table-title">
        Endpoints that fail
      </h2>
      {failing.length === 0 ? (
        <p class="notice hint">
          {overview.waiting
            ? 'None, of those for which deliveries wait.'
            : 'Not known: the cron has not asked the outboxes, or they have not answered.'}
        </p>
      ) : (
        <table class="stacking">
          <thead>
            <tr>
              <th scope="col">Endpoint</th>
              <th scope="col">Why</th>
              <th scope="col" class="w17">
                Since
              </th>
              <th scope="col" class="number w13">
                Wait
              </th>
              <th scope="col" class="w17">
                State
              </th>
            </tr>
          </thead>
          <tbody>
            {failing.map((endpoint) => (
              <EndpointRow endpoint={endpoint} overview={overview} nowMs={nowMs} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

const HEALTHS = {
  healthy: { word: 'Retrying', icon: 'retry', tone: 'idle' },
  failing: { word: 'Failing', icon: 'warning', tone: 'warn' },
  open: { word: 'Held', icon: 'bolt', tone: 'bad' },
} as const;

function EndpointRow({ endpoint, overview, nowMs }: { endpoint: FailingEndpoint; overview: Overview; nowMs: number }) {
  const { webhookId, waiting, health, failingSince, cause, status } = endpoint;
  const known = overview.webhook(webhookId);
  return (
    <tr>
      <th scope="row">
        {known ? <a href={paths.organization(known.organizationId)}>{hostOf(known.url)}</a> : webhookId}
        {known && <span class="hint"> {known.organizationName}</span>}
      </th>
      <td data-label="Why">{causeText(cause, status)}</td>
      <td data-label="Since">{failingSince === null ? '–' : <RelativeTime at={new Date(failingSince).toISOString()} nowMs={nowMs} />}</td>
      <td data-label="Wait" class="number">
        {waiting === null ? '–' : `${exactly(waiting)}${waiting >= 1_000 ? '+' : ''}`}
      </td>
      <td data-label="State">
        <Badge {...HEALTHS[health]} />
      </td>
    </tr>
  );
}

function Queues({ overview: { queues }, nowMs }: { overview: Overview; nowMs: number }) {
  return (
    <section id="queues" data-live="" class="card table-card" aria-labelledby="queues-title">
      <h2 id="queues-title" class="table-title">
        Queues
      </h2>
      <table class="stacking">
        <thead>
          <tr>
            <th scope="col">Binding</th>
            <th scope="col" class="number">
              Messages
            </th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col">Oldest</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(queues).map(([name, state]) => (
            <QueueRow name={name} state={state} nowMs={nowMs} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function QueueRow({ name, state, nowMs }: { name: string; state: QueueState | null; nowMs: number }) {
  return (
    <tr>
      <th scope="row">
        <code>{name}</code>
      </th>
      <td data-label="Messages" class="number">
        {state ? exactly(state.messages) : 'not known'}
      </td>
      <td data-label="Size" class="number">
        {state ? `${exactly(Math.ceil(state.bytes / 1_000))} kB` : '–'}
      </td>
      <td data-label="Oldest">{state?.oldestAt ? `waits for ${span(Math.max(0, nowMs - state.oldestAt))}` : '–'}</td>
    </tr>
  );
}

function Faults({ overview: { hour, isMetered }, nowMs }: { overview: Overview; nowMs: number }) {
  const faults = Object.entries(hour.faults).sort(([, a], [, b]) => b.at - a.at);
  return (
    <section id="faults" data-live="" class="card table-card" aria-labelledby="faults-title">
      <h2 id="faults-title" class="table-title">
        Faults of ours in the last hour
      </h2>
      {faults.length === 0 ? (
        <p class="notice hint">{isMetered ? 'None.' : 'Not known: the Meter does not answer.'}</p>
      ) : (
        <table class="stacking">
          <thead>
            <tr>
              <th scope="col">Log event</th>
              <th scope="col" class="number w10">
                Times
              </th>
              <th scope="col" class="w17">
                Last
              </th>
              <th scope="col">What it said</th>
            </tr>
          </thead>
          <tbody>
            {faults.map(([event, fault]) => (
              <FaultRow event={event} fault={fault} nowMs={nowMs} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function FaultRow({ event, fault: { count: times, at, error }, nowMs }: { event: string; fault: Fault; nowMs: number }) {
  return (
    <tr>
      <th scope="row">
        <a href={paths.runbook(event)}>{event}</a>
      </th>
      <td data-label="Times" class="number">
        {exactly(times)}
      </td>
      <td data-label="Last">
        <RelativeTime at={new Date(at).toISOString()} nowMs={nowMs} />
      </td>
      <td data-label="What it said" class="said">
        {error || '–'}
      </td>
    </tr>
  );
}

function Busiest({ overview: { now, organizationName } }: { overview: Overview }) {
  const all = now.counts.accepted ?? 0;
  return (
    <section id="busiest" data-live="" class="card table-card" aria-labelledby="busiest-title">
      <h2 id="busiest-title" class="table-title">
        Whose events came in the last {LATE_MINUTES} minutes
      </h2>
      {now.organizations.length === 0 ? (
        <p class="notice hint">Nobody's.</p>
      ) : (
        <table class="stacking">
          <thead>
            <tr>
              <th scope="col">Organization</th>
              <th scope="col" class="number">
                Events
              </th>
              <th scope="col" class="number">
                Of all
              </th>
            </tr>
          </thead>
          <tbody>
            {now.organizations.slice(0, 10).map(({ id, events }) => (
              <tr>
                <th scope="row">
                  <a href={paths.organization(id)}>{organizationName(id)}</a>
                </th>
                <td data-label="Events" class="number">
                  {exactly(events)}
                </td>
                <td data-label="Of all" class="number">
                  {all > 0 ? `${Math.floor((100 * events) / all)} %` : '–'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
