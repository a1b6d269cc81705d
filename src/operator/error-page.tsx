import { type ApiError, errorHeaders } from '../api/errors.ts';
import { page } from './layout.tsx';
import { paths } from './paths.ts';
import type { OperatorContext } from './session.ts';

/** What an operator sees of an error: its message, and the way back. */
export async function errorPage(c: OperatorContext, error: ApiError): Promise<Response> {
  const { requestId } = error.details;
  const title = error.status === 404 ? 'There is no such page' : 'This did not work';
  const shown = await page(
    c,
    { title, status: error.status },
    <section class="card notice">
      <h1>{title}</h1>
      <p>{error.message}</p>
      {typeof requestId === 'string' && (
        <p>
          Look for <code>{requestId}</code> in the log.
        </p>
      )}
      <p>
        <a class="button" href={paths.overview}>
          To the first page
        </a>
      </p>
    </section>,
  );
  for (const [name, value] of errorHeaders(error)) shown.headers.set(name, value);
  return shown;
}
