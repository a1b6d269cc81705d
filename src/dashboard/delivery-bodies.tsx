import { CopyButton } from './copyable.tsx';
import type { DeliveryTexts } from './delivery-texts.ts';
import type { Excerpt } from './room.ts';
import { Time } from './time.tsx';

interface BodiesProps {
  delivery: { error: string | null; payloadErasedAt: string | null };
  texts: DeliveryTexts;
  /** Where the API has all of it. */
  whole: string;
}

/** What is sent, and what was accepted, where that is something else. */
export function Bodies({ delivery, texts: { payload, payloadCopy, accepted }, whole }: BodiesProps) {
  const { error, payloadErasedAt } = delivery;
  if (payload === null && accepted === null) return <ErasedPayload at={payloadErasedAt} />;
  return (
    <>
      {payload && <Payload shown={payload} copy={payloadCopy} whole={whole} isAccepted={accepted === null} />}
      {payload === null && <NotRendered error={error} />}
      {accepted && <Accepted shown={accepted} whole={whole} />}
    </>
  );
}

/** What a page leaves out, so that it opens: where it is. */
export function Cut({ whole }: { whole: string }) {
  return (
    <p class="hint">
      It is too long for a page, and cut here. The API has all of it: <code>{whole}</code>
    </p>
  );
}

function ErasedPayload({ at }: { at: string | null }) {
  return (
    <section class="card" aria-labelledby="payload-title">
      <h2 id="payload-title">Payload</h2>
      <p>
        It was erased{at && ', '}
        {at && <Time at={at} />}. What the endpoint answered is erased with it, and the delivery cannot be sent again.
      </p>
    </section>
  );
}

/** Why there is nothing that could be sent. */
function NotRendered({ error }: { error: string | null }) {
  return (
    <section class="card" aria-labelledby="payload-title">
      <h2 id="payload-title">Payload</h2>
      {error === null ? (
        <p>It has not been made yet: what is sent is made of the event below when it is attempted.</p>
      ) : (
        <>
          <p>What is sent could not be made of the event below, so no attempt was made:</p>
          <p class="error">{error}</p>
          <p class="hint">Correct what the webhook sends, and retry: it is made anew then.</p>
        </>
      )}
    </section>
  );
}

function Accepted({ shown, whole }: { shown: Excerpt; whole: string }) {
  return (
    <section class="card" aria-labelledby="accepted-title">
      <h2 id="accepted-title">What was accepted</h2>
      <p class="hint">The event, of which the webhook sends something else.</p>
      <pre tabindex={0}>{shown.text}</pre>
      {shown.isCut && <Cut whole={whole} />}
    </section>
  );
}

function Payload({ shown, copy, whole, isAccepted }: { shown: Excerpt; copy: string | null; whole: string; isAccepted: boolean }) {
  return (
    <section class="card" aria-labelledby="payload-title">
      <div class="with-copy">
        <h2 id="payload-title">{isAccepted ? 'Payload' : 'What is sent'}</h2>
        {copy !== null && <CopyButton text={copy} label="Copy payload" />}
      </div>
      <pre tabindex={0}>{shown.text}</pre>
      {(shown.isCut || copy === null) && <Cut whole={whole} />}
      <p class="hint">
        Laid out for reading. What is sent, signed and copied is the text exactly as it was{' '}
        {isAccepted ? 'accepted' : 'made, once, of the event'}.
      </p>
    </section>
  );
}
