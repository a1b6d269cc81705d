/*
 * What the dashboard's pages gain by a script: the reader's zone is told to the server, buttons copy, and what is new is shown while a
 * page is open. Without it every page works. A file of its own, since the pages' Content-Security-Policy admits no inline script; copied
 * to the assets by commands/assets.ts.
 */

/** How often an open page looks for what is new. */
const REFRESH_MS = 4_000;
/** A look that takes longer than this has failed. */
const LOOK_TIMEOUT_MS = 8_000;
/** A page of a search looks for about three seconds by itself. */
const SEARCH_TIMEOUT_MS = 20_000;
/** After a failure it looks again less and less often, up to this. */
const MAX_REFRESH_MS = 15_000;
/** How long a form counts as sent: the browser does not say when its reader cancels. */
const SENT_MS = 10_000;
const COPIED_SHOWN_MS = 1_500;
/** Guesses that a secret has to withstand, as bits, to be called fair or strong. */
const FAIR_BITS = 80;
const STRONG_BITS = 128;

/** How long a row counts as new. */
const NEW_MS = 20_000;
/** How often a screen reader is told of new rows, at most. */
const NEWS_MS = 30_000;

/** What this script says, in the language of the page: `copied`, `copyByHand`, `ended`, `unreachable` (layout.tsx). */
const words = document.getElementById('page-status').dataset;
const language = document.documentElement.lang;
/** As the server writes English: the day before the month, and 24 hours. */
const locale = language === 'en' ? 'en-GB' : language;
const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();

/** As in “Live · updated 10:02:11”. */
const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });

/** Tells the server where the reader is, for all pages that follow: their times, charts and filters are in that zone. */
function tellZone() {
  const site = location.protocol === 'https:' && window.top !== window ? 'SameSite=None; Partitioned' : 'SameSite=Lax';
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser.
  document.cookie = `bullseye_zone=${encodeURIComponent(timeZone)}; Path=/; Max-Age=31536000; ${site}${secure}`;
}

/** Whether the server knew where the reader is when it made the page. */
const isInZone = document.documentElement.dataset.zone === timeZone;

/** Writes times in the reader's zone where the server did not know it; the exact instant stays in the title. */
function localizeTimes(root) {
  if (isInZone) return;
  for (const time of root.querySelectorAll('time[data-local]')) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.getTime())) time.textContent = moment.format(date);
  }
}

/** Buttons that need a script are hidden without one. */
function showCopyButtons(root) {
  for (const button of root.querySelectorAll('button[data-copy]')) button.hidden = navigator.clipboard === undefined;
}

function prepare(root) {
  localizeTimes(root);
  showCopyButtons(root);
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('button[data-copy]');
  if (!button) return;
  // Kept with the button: a second click finds the answer to the first on it.
  button.dataset.label ??= button.textContent;
  let said = words.copied;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    said = words.copyByHand;
  }
  button.textContent = said;
  setTimeout(() => {
    button.textContent = button.dataset.label;
  }, COPIED_SHOWN_MS);
});

/** A form that is on its way says so, and is not sent twice by an impatient click. */
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.submitter?.name === 'step') {
    event.preventDefault();
    void pressStep(form, event.submitter);
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method !== 'post') return;
  form.dataset.sent = 'yes';
  setTimeout(() => release(form), SENT_MS);
  const button = event.submitter;
  if (!button?.dataset.busy) return;
  button.dataset.label = button.textContent;
  button.textContent = button.dataset.busy;
  button.setAttribute('aria-disabled', 'true');
});

/** Lets a form be sent again: who cancelled it, or came back to it, is not left with a dead button. */
function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll('button[aria-disabled]')) {
    button.textContent = button.dataset.label;
    button.removeAttribute('aria-disabled');
  }
}

/** A page that the browser brings back as it was left has forms that count as sent, and may be out of date. */
addEventListener('pageshow', (event) => {
  for (const form of document.querySelectorAll('form[data-sent]')) release(form);
  if (event.persisted) location.reload();
});

/** How hard a secret is to guess, at most: by its length and the kinds of characters in it. */
function bitsOf(secret) {
  const kinds = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/[0-9]/, 10],
    [/[^a-zA-Z0-9]/, 20],
  ];
  const alphabet = kinds.reduce((sum, [pattern, size]) => sum + (pattern.test(secret) ? size : 0), 0);
  // Repetition adds length, and nothing to guess.
  const telling = Math.min(secret.length, new Set(secret).size * 2);
  return alphabet === 0 ? 0 : telling * Math.log2(alphabet);
}

document.addEventListener('input', (event) => {
  const strength = document.getElementById(event.target.dataset?.strength ?? '');
  if (!strength) return;
  // Typing a secret of one's own is choosing it.
  const choice = document.getElementById('secret-own');
  if (choice) choice.checked = true;
  const bits = bitsOf(event.target.value);
  strength.hidden = event.target.value === '';
  const grade = bits >= STRONG_BITS ? 'good' : bits >= FAIR_BITS ? 'warn' : 'bad';
  strength.textContent = strength.dataset[grade];
  strength.dataset.grade = grade;
});

/** How long a form is left alone after the last key before it is tried. */
const TYPING_MS = 500;

/** The try of a form that is under way; a later one takes its place. */
let trial = new AbortController();
/** Buttons whose answers are waited for, one after the other. Tries wait for them. */
let presses = Promise.resolve();
let pressed = 0;
let isTrialDue = false;

/** Brings what follows the typing up to date: the form is posted as it is, to be tried and not saved. */
async function tryForm(form) {
  if (pressed > 0) {
    isTrialDue = true;
    return;
  }
  trial.abort();
  trial = new AbortController();
  const { signal } = trial;
  try {
    const fresh = await answerTo(form, 'preview', signal);
    if (!fresh || signal.aborted) return;
    replaceParts(form, fresh, '[data-follows][id]');
    say('');
  } catch {
    if (!signal.aborted) say(words.unreachable);
  }
}

/** Does what a button says that changes the form: the parts that can change are replaced by what the answer has of them. */
async function pressStep(form, button) {
  trial.abort();
  pressed++;
  presses = presses.then(() => answerStep(form, button));
  await presses;
  pressed--;
  if (pressed > 0 || !isTrialDue) return;
  isTrialDue = false;
  await tryForm(form);
}

async function answerStep(form, { name, value }) {
  try {
    const fresh = await answerTo(form, value);
    if (!fresh) return;
    const focus = fresh.querySelector('[autofocus]')?.id;
    if (!value.startsWith('preview')) replaceParts(form, fresh, '[data-stepped][id]');
    replaceParts(form, fresh, '[data-follows][id]');
    say('');
    document.getElementById(focus)?.focus();
  } catch (error) {
    if (!(error instanceof Refused)) {
      say(words.unreachable);
      return;
    }
    // Its page says why, and keeps what was typed.
    form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
    form.submit();
  }
}

/** The form was answered, but not with what was asked for. */
class Refused extends Error {}

/** The page that a form is answered with; null where the session has ended, which is said. */
async function answerTo(form, step, signal) {
  const body = new URLSearchParams(new FormData(form));
  body.set('step', step);
  const timeout = AbortSignal.timeout(LOOK_TIMEOUT_MS);
  const response = await fetch(form.action, {
    method: 'POST',
    body,
    headers: { 'X-Live': '1' },
    redirect: 'manual',
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  if (response.type === 'opaqueredirect') {
    say(words.ended);
    return null;
  }
  if (!response.ok) throw new Refused(`status ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), 'text/html');
}

/** What is opened in a part that is replaced stays open. */
function replaceParts(form, fresh, selector) {
  for (const part of form.querySelectorAll(selector)) {
    const update = fresh.getElementById(part.id);
    if (!update || update.outerHTML === part.outerHTML) continue;
    const open = new Map([...part.querySelectorAll('details[id]')].map((details) => [details.id, details.open]));
    part.replaceWith(document.adoptNode(update));
    for (const details of update.querySelectorAll('details[id]')) details.open = open.get(details.id) ?? details.open;
  }
}

let typed;
document.addEventListener('input', (event) => {
  const form = event.target.form;
  if (!form?.matches('[data-tried]')) return;
  choose(event.target);
  clearTimeout(typed);
  typed = setTimeout(() => void tryForm(form), TYPING_MS);
});

/** A choice that changes the form does so at once, without the button beside it. */
document.addEventListener('change', (event) => {
  const { form, dataset } = event.target;
  if (form && dataset?.steps) void pressStep(form, { name: 'step', value: dataset.steps });
});

/** Filling in what belongs to a choice is choosing it. */
function choose(field) {
  const choice = document.getElementById(field.closest('[data-chooses]')?.dataset.chooses ?? '');
  if (choice && choice !== field) choice.checked = true;
}

/** A part that is opened shows what it would do as it is. */
document.addEventListener(
  'toggle',
  (event) => {
    const form = event.target.closest?.('form[data-tried]');
    if (form && event.target.open && event.target.matches('.fold')) void tryForm(form);
  },
  true,
);

/** Brings the live parts of the page up to date. What the reader has opened or focused stays as it is. Returns whether there is more to look for. */
async function refresh() {
  const from = document.querySelector('[data-live-from]')?.dataset.liveFrom ?? location.href;
  const response = await fetch(from, { headers: { 'X-Live': '1' }, redirect: 'manual', signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) });
  // Signed out meanwhile: the page itself shows the way.
  if (response.type === 'opaqueredirect') {
    if (hasTyped()) say(words.ended);
    else location.reload();
    return false;
  }
  if (!response.ok) throw new Error(`status ${response.status}`);
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  prepare(fresh);
  const known = rowIds();
  for (const part of document.querySelectorAll('[data-live][id]')) {
    const update = fresh.getElementById(part.id);
    if (!update) continue;
    globalThis.Idiomorph.morph(part, update, {
      callbacks: {
        // Open or closed is the reader's business, and what other scripts have added to a chart is theirs.
        beforeAttributeUpdated: (name, node) =>
          !(name === 'open' && node.nodeName === 'DETAILS') && !(name === 'tabindex' && node.matches('.chart-frame')),
        beforeNodeRemoved: (node) => !node.classList?.contains('chart-tip'),
      },
    });
  }
  markNew([...rowIds()].filter((id) => !known.has(id)));
  document.dispatchEvent(new Event('refreshed'));
  return true;
}

/** The rows of live tables that have names. */
function rowIds() {
  return new Set([...document.querySelectorAll('[data-live] tbody tr[id]')].map(({ id }) => id));
}

/** When each new row came, by its id. */
const newRows = new Map();
let untold = 0;
let toldAt = 0;

/** Marks the rows that have come while the page was open, for a while; a screen reader is told how many, now and then. */
function markNew(ids) {
  const now = Date.now();
  for (const id of ids) newRows.set(id, now);
  for (const [id, at] of newRows) {
    const row = document.getElementById(id);
    const isNew = row !== null && now - at < NEW_MS;
    row?.classList.toggle('new', isNew);
    if (!isNew) newRows.delete(id);
  }
  untold += ids.length;
  const news = document.getElementById('live-news');
  if (!news || untold === 0 || now - toldAt < NEWS_MS) return;
  news.textContent = news.dataset.words.replace('{count}', untold);
  untold = 0;
  toldAt = now;
}

/** A search that has found no delivery looks further by itself: each answer takes the place of the one before. */
async function lookFurther() {
  for (let link = furtherLink(); link; link = furtherLink()) {
    const words = link.textContent;
    link.textContent = link.dataset.further;
    const response = await fetch(link.href, {
      headers: { 'X-Live': '1' },
      redirect: 'manual',
      signal: AbortSignal.timeout(SEARCH_TIMEOUT_MS),
    }).catch(() => null);
    const fresh = new DOMParser().parseFromString(response?.ok ? await response.text() : '', 'text/html');
    if (!fresh.getElementById('further')) {
      // The link stays, for its reader to go on.
      link.textContent = words;
      return;
    }
    prepare(fresh);
    for (const id of ['found', 'further']) {
      const update = fresh.getElementById(id);
      if (update) document.getElementById(id)?.replaceChildren(...document.adoptNode(update).childNodes);
    }
  }
}

function furtherLink() {
  return document.querySelector('a[data-further]');
}

/** Whether a form of the page holds what its reader has put in. */
function hasTyped() {
  return [...document.querySelectorAll('main input, main textarea')].some(
    (field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked,
  );
}

/** What is said of the page as a whole; nothing: all is well. */
function say(text) {
  const status = document.getElementById('page-status');
  if (!status || status.textContent === text) return;
  status.textContent = text;
}

/** Whether this tab is paused: on the pages that are opened in it next, too. */
const paused = {
  get is() {
    return sessionStorage.getItem('bullseye_paused') === 'yes';
  },
  set is(value) {
    sessionStorage.setItem('bullseye_paused', value ? 'yes' : 'no');
  },
};

/** Looks for what is new while the page is in view; a page that nobody sees, or that is paused, asks for nothing. */
function keepFresh(isUpToDate) {
  let waitMs = REFRESH_MS;
  let updated = new Date();
  let timer;
  const plan = () => {
    clearTimeout(timer);
    if (document.visibilityState === 'visible' && !paused.is) timer = setTimeout(look, waitMs);
  };
  const look = async () => {
    clearTimeout(timer);
    if (paused.is) return;
    try {
      if (!(await refresh())) return;
      waitMs = REFRESH_MS;
      updated = new Date();
      showLive(updated);
      say('');
    } catch {
      waitMs = Math.min(waitMs * 2, MAX_REFRESH_MS);
      showLive(null);
      say(offlineWords(updated));
    }
    plan();
  };
  document.addEventListener('visibilitychange', plan);
  addEventListener('online', look);
  document.getElementById('live-pause')?.addEventListener('click', () => {
    paused.is = !paused.is;
    if (paused.is) say('');
    showLive(updated);
    if (!paused.is) void look();
    plan();
  });
  showLive(updated);
  if (!isUpToDate && !paused.is) void look();
  else plan();
}

/** As in “Last updated 10:02:11 · trying again”. */
function offlineWords(updated) {
  return document.getElementById('live-words')?.dataset.offline.replace('{time}', clock.format(updated)) ?? '';
}

/** Says that the page is live and since when it is as it is. @param updated null: it is out of date, which is said elsewhere */
function showLive(updated) {
  const live = document.getElementById('live');
  const words = document.getElementById('live-words');
  const button = document.getElementById('live-pause');
  if (!live || !words || !button) return;
  live.hidden = updated === null;
  live.dataset.state = paused.is ? 'paused' : 'live';
  button.textContent = paused.is ? button.dataset.resume : button.dataset.pause;
  if (updated) words.textContent = (paused.is ? words.dataset.paused : words.dataset.fresh).replace('{time}', clock.format(updated));
}

tellZone();
prepare(document);
if (document.querySelector('[data-live]')) keepFresh(isInZone);
// Where it cannot, the link stays.
lookFurther().catch(() => {});
