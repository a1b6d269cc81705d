import { type ApiError, errorHeaders } from '../../api/errors.ts';
import { readForm } from '../parts/form.ts';
import { HELD, holdForm } from '../parts/held-form.ts';
import { errorText } from '../words/error-words.ts';
import { rich, t } from '../words/words.tsx';
import { page, rootCrumb } from './page.tsx';
import { hasFields, paths } from './paths.ts';
import type { PageContext } from './visit.ts';

/** The statuses that have a title of their own. */
const TITLED = [403, 404, 405, 429, 503] as const;

function titleOf({ status }: ApiError): string {
  const titled = TITLED.find((each) => each === status);
  return titled === undefined ? t('errors.title') : t(`errors.title.${titled}`);
}

/** What a person sees of an error: its message, and the way back; for a form that no handler has read, with what was typed (held-form.ts). */
export async function errorPage(c: PageContext, error: ApiError): Promise<Response> {
  const title = titleOf(error);
  const { requestId } = error.details;
  const held = await unreadForm(c, error);
  const shown = await page(
    c,
    { title, status: error.status, crumbs: [rootCrumb] },
    <section class="card notice">
      <h1>{title}</h1>
      <p>{errorText(error)}</p>
      {typeof requestId === 'string' && <p>{rich('errors.requestId', { id: requestId, code: (inner) => <code>{inner}</code> })}</p>}
      {held !== null && (
        <form method="post" action={c.req.path}>
          <input type="hidden" name={HELD} value={held} />
          <p>{t('errors.held')}</p>
          <button type="submit" class="primary">
            {t('errors.continue')}
          </button>
        </form>
      )}
      <p>
        <a class="button" href={paths.list}>
          {t('errors.toWebhooks')}
        </a>
      </p>
    </section>,
  );
  return withHeadersOf(error, shown);
}

export function withHeadersOf(error: ApiError, shown: Response): Response {
  for (const [name, value] of errorHeaders(error)) shown.headers.set(name, value);
  return shown;
}

/** A form that came at a bad moment: its session had asked too often, or could not be looked at. Null for anything else. */
async function unreadForm(c: PageContext, { status }: ApiError): Promise<string | null> {
  const isKept = c.req.method === 'POST' && hasFields(c.req.path) && (status === 429 || status === 503);
  if (!isKept || c.req.raw.bodyUsed) return null;
  // One that cannot be read has nothing to be kept.
  return await readForm(c).then(holdForm, () => null);
}
