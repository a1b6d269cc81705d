import { getParkedMessage, listParked, redriveParkedMessage, removeParkedMessage } from '../api/platform/parked-messages.ts';
import { Room } from '../dashboard/parts/room.ts';
import { Time } from '../dashboard/parts/time.tsx';
import { exactly } from '../dashboard/parts/wording.ts';
import { page } from './layout.tsx';
import { paths } from './paths.ts';
import type { OperatorContext } from './session.ts';

/** What a page shows of a message, in bytes. */
const MAX_SHOWN_BYTES = 20_000;
const DONE: Record<string, string> = { redriven: 'The message is in the queue again.', deleted: 'The message is deleted.' };

/** `GET parked-messages`: what could not be processed, the newest first. */
export async function showParked(c: OperatorContext): Promise<Response> {
  const { cursor, done = '' } = c.req.query();
  const { data, nextCursor } = await c.get('operator').call(listParked, { params: {}, query: cursor ? { cursor } : {} });
  return await page(
    c,
    { title: 'Parked messages', done: DONE[done] },
    <>
      <h1>Parked messages</h1>
      <p>
        Messages that could not be processed. Each waits here until somebody puts it into the queue again or deletes it. None is the normal
        state: <a href={paths.runbook('a-message-cannot-be-processed')}>what to do</a>.
      </p>
      <section class="card table-card" aria-label="Parked messages">
        {data.length === 0 ? (
          <p class="notice hint">None.</p>
        ) : (
          <table class="stacking">
            <thead>
              <tr>
                <th scope="col">Why</th>
                <th scope="col" class="w21">
                  Parked
                </th>
                <th scope="col" class="number w13">
                  Size
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map(({ id, reason, parkedAt, sizeBytes }) => (
                <tr>
                  <th scope="row">
                    <a href={paths.parkedMessage(id)}>{reason}</a>
                  </th>
                  <td data-label="Parked">
                    <Time at={parkedAt} />
                  </td>
                  <td data-label="Size" class="number">
                    {exactly(sizeBytes)} B
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {nextCursor && (
          <nav class="pager" aria-label="Pages">
            <a href={`${paths.parked}?${new URLSearchParams({ cursor: nextCursor })}`}>Next page</a>
          </nav>
        )}
      </section>
    </>,
  );
}

/** `GET parked-messages/{id}`: one of them, and what can be done with it. It holds events, so people's data: it is shown when asked for. */
export async function showParkedMessage(c: OperatorContext): Promise<Response> {
  const messageId = c.req.param('messageId') ?? '';
  const { reason, parkedAt, sizeBytes, bodyText } = await c.get('operator').call(getParkedMessage, { params: { messageId } });
  const { text, isCut } = new Room(MAX_SHOWN_BYTES).take(bodyText);
  return await page(
    c,
    { title: 'A parked message' },
    <>
      <h1>A parked message</h1>
      <dl class="facts">
        <dt>Why</dt>
        <dd>{reason}</dd>
        <dt>Parked</dt>
        <dd>
          <Time at={parkedAt} />
        </dd>
        <dt>Size</dt>
        <dd>{exactly(sizeBytes)} B</dd>
      </dl>
      <div class="actions">
        <form method="post" action={paths.parkedMessage(messageId, 'redrive')}>
          <button type="submit" class="primary">
            Put it into the queue again
          </button>
        </form>
      </div>
      <details class="card">
        <summary>Delete it for good</summary>
        <form method="post" action={paths.parkedMessage(messageId, 'delete')} class="form">
          <p>Its events reach nobody any more.</p>
          <button type="submit" class="danger">
            Delete it
          </button>
        </form>
      </details>
      <details class="card">
        <summary>Show what it holds (personal data)</summary>
        <pre tabindex={0}>{text}</pre>
        {isCut && <p class="hint">The rest is left out.</p>}
      </details>
    </>,
  );
}

/** `POST parked-messages/{id}/redrive`. */
export async function submitRedrive(c: OperatorContext): Promise<Response> {
  await c.get('operator').call(redriveParkedMessage, { params: { messageId: c.req.param('messageId') ?? '' } });
  return c.redirect(`${paths.parked}?done=redriven`, 303);
}

/** `POST parked-messages/{id}/delete`. */
export async function submitDelete(c: OperatorContext): Promise<Response> {
  await c.get('operator').call(removeParkedMessage, { params: { messageId: c.req.param('messageId') ?? '' } });
  return c.redirect(`${paths.parked}?done=deleted`, 303);
}
