import { UTC } from '../domain/zone.ts';
import { useClock, zoneName } from './clock.ts';

/** What the script (dashboard-start.js) shows of a page that keeps itself up to date. Without it the page is as it was when it was asked for. */
export function LiveStatus() {
  return (
    <>
      <div class="live" id="live" hidden>
        <span id="live-words" data-live="Live · updated {time}" data-paused="Paused · as of {time}" />
        <button type="button" class="plain" id="live-pause" data-pause="Pause updates" data-resume="Resume updates" />
      </div>
      <p class="visually-hidden" id="live-news" role="status" data-words="New in the list: {count}" />
    </>
  );
}

/** Which zone the times of the page are in. */
export function ZoneNote() {
  const clock = useClock();
  return (
    <p id="zone">
      Times are in {clock.zone === UTC ? 'UTC' : <>the time zone {zoneName(clock)}</>}. <KeyHint />
    </p>
  );
}

/** Shown by the script (keys.js): without it there are no keys. */
function KeyHint() {
  return (
    <button type="button" class="plain" id="keys-open" hidden>
      Keyboard: <kbd>?</kbd>
    </button>
  );
}

const KEYS: readonly [key: string, does: string][] = [
  ['/', 'Search'],
  ['j', 'Next row, or next delivery'],
  ['k', 'Row before, or delivery before'],
  ['Enter', 'Open the row'],
  ['?', 'Show these keys'],
  ['Esc', 'Close, or leave the search'],
];

/** The list of keys. Single letters can be turned off there, for people who speak to their computer or press keys by mistake (WCAG 2.1.4). */
export function KeyHelp() {
  return (
    <dialog class="card keys" id="keys" aria-labelledby="keys-title">
      <h2 id="keys-title">Keyboard</h2>
      <dl class="facts">
        {KEYS.map(([key, does]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </>
        ))}
      </dl>
      <div class="box">
        <input type="checkbox" id="keys-on" checked />
        <label for="keys-on">Use single keys as shortcuts</label>
      </div>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
