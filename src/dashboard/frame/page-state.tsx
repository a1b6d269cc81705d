import { UTC } from '../../domain/text/zone.ts';
import { useClock, zoneName } from '../parts/clock.ts';
import { t } from '../words/words.tsx';

/** What the script puts the time, or a count, in the place of. */
const TIME = { time: '{time}' };
const COUNT = { count: '{count}' };

/** What the script (dashboard-start.js) shows of a page that keeps itself up to date. Without it the page is as it was when it was asked for. */
export function LiveStatus() {
  return (
    <>
      <div class="live" id="live" hidden>
        <span
          id="live-words"
          data-fresh={t('state.live', TIME)}
          data-paused={t('state.paused', TIME)}
          data-offline={t('state.offline', TIME)}
        />
        <button type="button" class="plain" id="live-pause" data-pause={t('state.pause')} data-resume={t('state.resume')} />
      </div>
      <p class="visually-hidden" id="live-news" role="status" data-words={t('state.new', COUNT)} />
    </>
  );
}

/** Which zone the times of the page are in. */
export function ZoneNote() {
  const clock = useClock();
  return (
    <p id="zone">
      {clock.zone === UTC ? t('state.utc') : t('state.zone', { zone: zoneName(clock) })} <KeyHint />
    </p>
  );
}

/** Shown by the script (keys.js): without it there are no keys. */
function KeyHint() {
  return (
    <button type="button" class="plain" id="keys-open" hidden>
      {t('keys.open')} <kbd>?</kbd>
    </button>
  );
}

const KEYS = [
  ['/', 'keys.search'],
  ['j', 'keys.next'],
  ['k', 'keys.before'],
  ['Enter', 'keys.enter'],
  ['?', 'keys.show'],
  ['Esc', 'keys.close'],
] as const;

/** The list of keys. Single letters can be turned off there, for people who speak to their computer or press keys by mistake (WCAG 2.1.4). */
export function KeyHelp() {
  return (
    <dialog class="card keys" id="keys" aria-labelledby="keys-title">
      <h2 id="keys-title">{t('keys.title')}</h2>
      <dl class="facts">
        {KEYS.map(([key, does]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(does)}</dd>
          </>
        ))}
      </dl>
      <div class="box">
        <input type="checkbox" id="keys-on" checked />
        <label for="keys-on">{t('keys.on')}</label>
      </div>
      <form method="dialog">
        <button type="submit">{t('keys.done')}</button>
      </form>
    </dialog>
  );
}
