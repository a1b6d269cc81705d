import { type ApiError, errorHeaders } from '../api/errors.ts';
import { page, rootCrumb } from './page.tsx';
import { paths } from './paths.ts';
import type { PageContext } from './visit.ts';

const TITLES: Partial<Record<number, string>> = {
  403: 'This is not allowed',
  404: 'There is no such page',
  405: 'This page is not asked like that',
  429: 'A little slower, please',
  503: 'Not available right now',
};

/** What a person sees of an error: its message, and the way back. */
export async function errorPage(c: PageContext, error: ApiError): Promise<Response> {
  const title = TITLES[error.status] ?? 'This did not work';
  const { requestId } = error.details;
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
      <p>
        <a class="button" href={paths.list}>
          To the webhooks
        </a>
      </p>
    </section>,
  );
  for (const [name, value] of errorHeaders(error)) shown.headers.set(name, value);
  return shown;
}
