import type { WebhookRow } from '../../db/webhooks.ts';
import { causeOf } from '../../domain/delivery/failure.ts';
import { helpWith } from '../attention/failure-words.ts';
import { paths } from '../frame/paths.ts';
import { Icon } from '../parts/icons.tsx';
import { layOutJson } from '../parts/json-layout.ts';
import { Room } from '../parts/room.ts';
import { t } from '../words/words.tsx';
import { outcomeWords, type Sent } from './sending.ts';

/** What an answer's texts may take of the page, in bytes; what each of them may take at most. */
const ROOM_BYTES = 90_000;
const TEXT_BYTES = 40_000;
const HEADER_BYTES = 20_000;
const ERROR_BYTES = 3_000;

/** What came of a test: whether it arrived, what was answered, and what was sent. */
export function Answer({ sent, webhook }: { sent: Sent; webhook: WebhookRow }) {
  const { delivery, attempt } = sent;
  const worked = attempt?.outcome === 'succeeded';
  const room = new Room(ROOM_BYTES);
  const help =
    attempt === null || worked ? null : helpWith({ cause: causeOf(attempt), status: attempt.responseStatus, error: attempt.error });
  const body = attempt?.responseBody ? room.take(layOutJson(attempt.responseBody, TEXT_BYTES), TEXT_BYTES) : null;
  return (
    <section class="card answer" id="answer" aria-labelledby="answer-title">
      <div role={worked ? 'status' : 'alert'}>
        <h2 id="answer-title" class={worked ? 'good' : 'bad'}>
          <Icon name={worked ? 'check' : 'warning'} />
          <span>{room.take(outcomeWords(sent), ERROR_BYTES).text}</span>
        </h2>
      </div>
      {help && <p>{help}</p>}
      {attempt?.responseStatus != null && (
        <>
          <h3>{t('test.answer')}</h3>
          {body ? <pre tabindex={0}>{body.text}</pre> : <p class="hint">{t('test.answerEmpty', { status: attempt.responseStatus })}</p>}
          {(body?.isCut || attempt.responseBodyTruncated) && <p class="hint">{t('preview.longer')}</p>}
        </>
      )}
      {attempt?.responseHeaders && <Headers name={t('test.answerHeaders')} headers={attempt.responseHeaders} room={room} />}
      {attempt && <Headers name={t('test.requestHeaders')} headers={attempt.requestHeaders} room={room} />}
      <p>
        <a href={paths.delivery(webhook.id, delivery.id)}>{t('test.more')}</a>
      </p>
    </section>
  );
}

function Headers({ name, headers, room }: { name: string; headers: Readonly<Record<string, string>>; room: Room }) {
  const own = new Room(Math.min(HEADER_BYTES, room.left));
  const shown = Object.entries(headers).filter(([header, value]) => own.takeWhole(`${header}${value}`) !== null);
  room.takeBytes(shown.reduce((bytes, [header, value]) => bytes + header.length + value.length, 0));
  return (
    <details class="headers">
      <summary>{name}</summary>
      <dl class="header-list">
        {shown.map(([header, value]) => (
          <div>
            <dt>{header}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
