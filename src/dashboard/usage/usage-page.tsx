import type { Child } from 'hono/jsx';
import { exportUsage, getUsage } from '../../api/account/usage.ts';
import { countOfEndpoints } from '../../domain/endpoint/listen-url.ts';
import { UTC } from '../../domain/text/zone.ts';
import { USAGE_DAYS } from '../../domain/usage.ts';
import { numberLabel } from '../charts/labels.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { ClockContext, dayText as dayName, useClock } from '../parts/clock.ts';
import { Figure } from '../webhook/overview-page.tsx';
import { t } from '../words/words.tsx';
import { QuotaNotice } from './quota-notice.tsx';
import { UsageChart } from './usage-chart.tsx';

/** What the page shows of an organization's use. */
export type ShownUsage = Awaited<ReturnType<typeof readUsage>>;

async function readUsage(visit: Visit) {
  return await visit.call(getUsage);
}

/** `GET usage`: what was used in the last 30 days, and how much of that the plan is meant for. */
export async function showUsage(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const usage = await readUsage(visit);
  return await page(
    c,
    { title: t('usage.title'), crumbs: [rootCrumb] },
    <>
      <div class="page-head">
        <div>
          <h1>{t('usage.title')}</h1>
          <p class="lead">{t('usage.lead')}</p>
        </div>
        <div class="actions">
          <a class="button" href={paths.usageExport} download="usage.csv">
            {t('usage.download', { days: USAGE_DAYS })}
          </a>
        </div>
      </div>
      <QuotaNotice visit={visit} events={usage.days.at(-1)?.events ?? null} isOnUsagePage />
      <Facts usage={usage} visit={visit} />
      <Days usage={usage} />
    </>,
  );
}

/** `GET usage/export`: all that is kept of it, as a file. */
export async function downloadUsage(c: PageContext): Promise<Response> {
  // A whole answer rather than a body, which the types of a route do not tell.
  return (await c.get('visit').call(exportUsage)) as unknown as Response;
}

function Facts({ usage: { days, quota }, visit }: { usage: ShownUsage; visit: Visit }) {
  const today = days.at(-1)?.events ?? 0;
  return (
    <dl class="figures">
      <Figure
        name={t('usage.today')}
        value={numberLabel(today)}
        note={quota.eventsPerDay === null ? undefined : t('usage.ofEvents', { quota: quota.eventsPerDay })}
      />
      <Figure
        name={t('usage.webhooks')}
        value={numberLabel(countOfEndpoints(visit.webhooks))}
        note={t('usage.ofWebhooks', { quota: quota.webhooks })}
      />
      <Figure name={t('usage.kept')} value={t('usage.keptDays', { days: quota.keptDays })} />
      <Figure name={t('usage.plan')} value={t(`plan.${visit.organization.plan}`)} />
    </dl>
  );
}

/** The days as a chart and as a table. They are those of UTC, whatever the reader's clock says. */
function Days({ usage }: { usage: ShownUsage }) {
  const { language } = useClock();
  return (
    <ClockContext.Provider value={{ zone: UTC, language }}>
      <section class="card" aria-labelledby="by-day">
        <h2 id="by-day">{t('usage.byDay')}</h2>
        <UsageChart usage={usage} />
      </section>
      <section class="card table-card" aria-label={t('usage.days')}>
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">{t('usage.day')}</th>
              <th scope="col">{t('usage.events')}</th>
              <th scope="col">{t('usage.deliveries')}</th>
              <th scope="col">{t('usage.attempts')}</th>
            </tr>
          </thead>
          <tbody>
            {usage.days.toReversed().map((use) => (
              <Row label={<DayName day={use.day} />} use={use} />
            ))}
          </tbody>
          <tfoot>
            <Row label={t('usage.total')} use={usage.totals} />
          </tfoot>
        </table>
      </section>
    </ClockContext.Provider>
  );
}

function DayName({ day }: { day: string }) {
  return <time datetime={day}>{dayName(useClock(), Date.parse(day))}</time>;
}

type Figures = ShownUsage['totals'];

function Row({ label, use: { events, deliveries, attempts } }: { label: Child; use: Figures }) {
  return (
    <tr>
      <th scope="row">{label}</th>
      {[events, deliveries, attempts].map((count) => (
        <td>{numberLabel(count)}</td>
      ))}
    </tr>
  );
}
