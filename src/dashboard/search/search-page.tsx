import { ApiError } from '../../api/errors.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext, Visit } from '../frame/visit.ts';
import { Time } from '../parts/time.tsx';
import { webhookCrumb } from '../webhook/webhook-page.tsx';
import { errorText } from '../words/error-words.ts';
import { rich, t } from '../words/words.tsx';
import { type Found, lookForDeliveries, lookForSkipped, type Skipped } from './look.ts';
import { NothingFound } from './nothing-found.tsx';
import { FoundDeliveries, FoundSkipped } from './results.tsx';
import { MAX_LENGTH, SearchForm } from './search-form.tsx';

/** In the query: the pages before have found nothing. */
const IN_VAIN = 'none';

/** `GET /search?q=`: what became of somebody, or of an event, at all webhooks. With `cursor`: further back. */
export async function showSearch(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const q = c.req.query('q')?.trim() ?? '';
  const cursor = c.req.query('cursor');
  const before: Before = cursor === undefined ? 'nothing' : c.req.query(IN_VAIN) === undefined ? 'with results' : 'in vain';
  const { found, skipped, problem } = await lookFor(visit, q, cursor);
  return await page(
    c,
    { title: q === '' ? t('search.title') : t('search.titleOf', { q: q.slice(0, 60).toWellFormed() }), crumbs: [rootCrumb] },
    <>
      <div class="page-head">
        <div>
          <h1>{t('search.heading')}</h1>
          <p class="lead">{t('search.lead')}</p>
        </div>
      </div>
      <SearchForm q={q} />
      {problem !== null && (
        <p class="error" role="alert">
          {problem}
        </p>
      )}
      {q === '' && <p class="hint">{t('search.partEnough')}</p>}
      {found && <Outcome q={q} found={found} skipped={skipped} before={before} visit={visit} />}
    </>,
  );
}

interface Looked {
  found: Found | null;
  skipped: Skipped[];
  problem: string | null;
}

async function lookFor(visit: Visit, q: string, cursor: string | undefined): Promise<Looked> {
  if (q === '') return { found: null, skipped: [], problem: null };
  if (q.length > MAX_LENGTH) return { found: null, skipped: [], problem: t('search.tooLong', { count: MAX_LENGTH }) };
  try {
    // What was skipped is on the first page: it is the latest of it.
    const [found, skipped] = await Promise.all([
      lookForDeliveries(visit, q, cursor),
      cursor === undefined ? lookForSkipped(visit, q) : ([] as Skipped[]),
    ]);
    return { found, skipped, problem: null };
  } catch (error) {
    if (!(error instanceof ApiError) || !['validation_failed', 'outbox_unavailable'].includes(error.code)) throw error;
    return { found: null, skipped: [], problem: errorText(error) };
  }
}

interface OutcomeProps {
  q: string;
  found: Found;
  skipped: readonly Skipped[];
  before: Before;
  visit: Visit;
}

/** What the pages before this one have looked through: none of it, or what is newer, with or without finding anything. */
type Before = 'nothing' | 'in vain' | 'with results';

function Outcome({ q, found, skipped, before, visit }: OutcomeProps) {
  const { deliveries, nextCursor, unavailable, isStuck } = found;
  const isInVain = deliveries.length === 0 && skipped.length === 0 && before !== 'with results';
  const isPartial = unavailable.size > 0 || isStuck;
  return (
    <>
      <div id="found">
        {isPartial && <Unavailable ids={unavailable} visit={visit} />}
        {isInVain && nextCursor === null && !isPartial && <NothingFound q={q} visit={visit} />}
        {deliveries.length > 0 && (
          <section aria-labelledby="deliveries-title" class="prose">
            <h2 id="deliveries-title">{t('deliveries.title')}</h2>
            <div class="card table-card">
              <FoundDeliveries found={found} visit={visit} />
            </div>
          </section>
        )}
      </div>
      <Further q={q} found={found} before={before} isInVain={isInVain} />
      {skipped.length > 0 && (
        <section aria-labelledby="skipped-title" class="prose">
          <h2 id="skipped-title">{t('search.skipped')}</h2>
          <div class="card table-card">
            <FoundSkipped skipped={skipped} />
          </div>
        </section>
      )}
    </>
  );
}

function Unavailable({ ids, visit }: { ids: ReadonlySet<string>; visit: Visit }) {
  const names = visit.webhooks.filter(({ id }) => ids.has(id)).map((webhook) => webhookCrumb(webhook).name);
  return (
    <section class="banner warn">
      <p>{names.length > 0 ? t('search.unavailable', { names: names.join(', ') }) : t('search.unavailableSome')}</p>
    </section>
  );
}

/** How far back it has looked, and where to go on. The script follows that by itself while no delivery was found, and says so. */
function Further({ q, found, before, isInVain }: Pick<OutcomeProps, 'q' | 'found' | 'before'> & { isInVain: boolean }) {
  const { deliveries, nextCursor, searchedSince, isStuck } = found;
  const at = (more: Record<string, string>) => `${paths.search}?${new URLSearchParams({ q, ...more })}`;
  return (
    <p class="further" id="further" role="status">
      {nextCursor !== null && (
        <>
          {deliveries.length === 0 && t('search.noneSoFar')}{' '}
          {searchedSince && rich('search.lookedBack', { time: <Time at={searchedSince} /> })}{' '}
          <a
            href={at({ cursor: nextCursor, ...(isInVain && { [IN_VAIN]: '1' }) })}
            data-further={deliveries.length === 0 && !isStuck ? t('search.looking') : undefined}
          >
            {t('search.further')}
          </a>
        </>
      )}
      {nextCursor === null && !isStuck && (deliveries.length > 0 || before === 'with results') && t('search.everything')}
      {before !== 'nothing' && (
        <>
          {' '}
          <a href={at({})}>{t('search.toNewest')}</a>
        </>
      )}
    </p>
  );
}
