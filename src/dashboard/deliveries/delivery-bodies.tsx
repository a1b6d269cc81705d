import { CopyButton } from '../parts/copyable.tsx';
import type { Excerpt } from '../parts/room.ts';
import { Time } from '../parts/time.tsx';
import { rich, t } from '../words/words.tsx';
import type { DeliveryTexts } from './delivery-texts.ts';

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
  return <p class="hint">{rich('delivery.cut', { code: (inner) => <code>{inner}</code>, address: whole })}</p>;
}

function ErasedPayload({ at }: { at: string | null }) {
  return (
    <section class="card" aria-labelledby="payload-title">
      <h2 id="payload-title">{t('delivery.payload')}</h2>
      <p>{at === null ? t('delivery.erased') : rich('delivery.erasedAt', { time: <Time at={at} /> })}</p>
    </section>
  );
}

/** Why there is nothing that could be sent. */
function NotRendered({ error }: { error: string | null }) {
  return (
    <section class="card" aria-labelledby="payload-title">
      <h2 id="payload-title">{t('delivery.payload')}</h2>
      {error === null ? (
        <p>{t('delivery.notMadeYet')}</p>
      ) : (
        <>
          <p>{t('delivery.notMade')}</p>
          <p class="error">{error}</p>
          <p class="hint">{t('delivery.notMadeHint')}</p>
        </>
      )}
    </section>
  );
}

function Accepted({ shown, whole }: { shown: Excerpt; whole: string }) {
  return (
    <section class="card" aria-labelledby="accepted-title">
      <h2 id="accepted-title">{t('delivery.eventReceived')}</h2>
      <p class="hint">{t('delivery.eventReceivedHint')}</p>
      <pre tabindex={0}>{shown.text}</pre>
      {shown.isCut && <Cut whole={whole} />}
    </section>
  );
}

function Payload({ shown, copy, whole, isAccepted }: { shown: Excerpt; copy: string | null; whole: string; isAccepted: boolean }) {
  return (
    <section class="card" aria-labelledby="payload-title">
      <div class="with-copy">
        <h2 id="payload-title">{isAccepted ? t('delivery.payload') : t('delivery.sent')}</h2>
        {copy !== null && <CopyButton text={copy} label={t('copy.named', { what: t('delivery.payloadNamed') })} />}
      </div>
      <pre tabindex={0}>{shown.text}</pre>
      {(shown.isCut || copy === null) && <Cut whole={whole} />}
      <p class="hint">{isAccepted ? t('delivery.laidOut') : t('delivery.laidOutMade')}</p>
    </section>
  );
}
