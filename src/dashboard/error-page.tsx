import { type ApiError, errorHeaders } from '../api/errors.ts';
import { readForm } from './form.ts';
import { HELD, holdForm } from './held-form.ts';
import { page, rootCrumb } from './page.tsx';
import { hasFields, paths } from './paths.ts';
import type { PageContext } from './visit.ts';

const TITLES: Partial<Record<number, string>> = {
  403: 'This is not allowed',
  404: 'There is no such page',
  405: 'This page does not take this request',
  429: 'A little slower, please',
  503: 'Not available right now',
};

/** What a person sees of an error: its message, and the way back; for a form that no handler has read, with what was typed (held-form.ts). */
export async function errorPage(c: PageContext, error: ApiError): Promise<Response> {
  const title = TITLES[error.status] ?? 'This did not work';
  const { requestId } = error.details;
  const held = await unreadForm(c, error);
  const shown = await page(
    c,
    { title, status: error.status, crumbs: [rootCrumb] },
    <section class="card notice">
      <h1>{title}</h1>
      <p>{error.message}</p>
      {typeof requestId === 'string' && (
        <p>
          Request id: <code>{requestId}</code>
        </p>
      )}
      {held !== null && (
        <form method="post" action={c.req.path}>
          <input type="hidden" name={HELD} value={held} />
          <p>What you entered is kept, except secrets and personal data. Go on with it in a moment.</p>
          <button type="submit" class="primary">
            Go on with what you entered
          </button>
        </form>
      )}
      <p>
        <a class="button" href={paths.list}>
          To the webhooks
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
