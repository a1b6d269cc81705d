import { type ApiError, invalid } from '../../api/errors.ts';
import { listEventTypes } from '../../api/events/event-types.ts';
import { MAX_EVENT_DEPTH } from '../../domain/event/event.ts';
import type { EventType } from '../../domain/event/event-type.ts';
import { layOut } from '../../domain/text/json-items.ts';
import { readJsonText } from '../../domain/text/json-text.ts';
import { Step } from '../choices/filter-part.tsx';
import { withHeadersOf } from '../frame/error-page.tsx';
import type { Flash } from '../frame/flash.ts';
import { page, rootCrumb } from '../frame/page.tsx';
import { paths } from '../frame/paths.ts';
import type { PageContext } from '../frame/visit.ts';
import { Field } from '../parts/field.tsx';
import { readForm } from '../parts/form.ts';
import { heldForm, RESTORED } from '../parts/held-form.ts';
import { jsonFlawWords } from '../parts/json-layout.ts';
import { webhookCrumb, webhookOf } from '../webhook/webhook-page.tsx';
import { errorText } from '../words/error-words.ts';
import { t } from '../words/words.tsx';
import { Answer } from './answer.tsx';
import { previewTest, problemWords, ShownPreview, type TestPreview } from './preview.tsx';
import { type Sent, sendTest } from './sending.ts';
import { loadSource, type Source, type Sources, sourcesOf } from './sources.tsx';

/** What the form holds, and what came of it. */
interface Shown {
  event: string;
  source: string;
  /** The id of the button that was pressed. */
  focus?: string;
  /** What is wrong with the event, or with its source. */
  problem?: string;
  sent?: Sent;
  error?: ApiError;
  flash?: Flash;
}

/** `GET <webhook>/test-event`: an example of what the webhook subscribes to, to be edited and sent; or with `from`, the event of a delivery. */
export async function showTest(c: PageContext): Promise<Response> {
  const from = c.req.query('from');
  return await beginning(c, from === undefined ? undefined : `delivery:${from}`);
}

/** The form with what a source holds; where that cannot be had, with what was typed. */
async function beginning(c: PageContext, chosen: string | undefined, typed = '', focus?: string): Promise<Response> {
  const catalogue = await catalogueOf(c);
  const source = chosen ?? (await sourcesOf(c.get('visit'), c, catalogue)).usual;
  const loaded = await loadSource(c, source, catalogue);
  return await testPage(c, 'event' in loaded ? { ...loaded, source, focus } : { event: typed, source, focus, ...loaded });
}

async function catalogueOf(c: PageContext): Promise<EventType[]> {
  return (await c.get('visit').callGeneral(listEventTypes)).eventTypes as EventType[];
}

/** `POST <webhook>/test-event`: sends the event and shows the answer above it; its other buttons load an event, or show what would be sent. */
export async function submitTest(c: PageContext): Promise<Response> {
  const form = await readForm(c);
  const held = heldForm(form);
  const typed = held ?? form;
  const source = typed.get('source') ?? '';
  const step = form.get('step');
  const event = typed.get('testEvent');
  if (step === 'load') return await beginning(c, source, event ?? '', 'load');
  if (held && event !== null) return await testPage(c, { event, source, flash: RESTORED });
  if (held) return await beginning(c, undefined);
  if (step !== null) return await testPage(c, { event: event ?? '', source, focus: 'preview-button' });
  // The button on the webhook's other pages brings no event: the example is sent.
  return event === null ? await sendExample(c) : await send(c, event, source);
}

async function sendExample(c: PageContext): Promise<Response> {
  const catalogue = await catalogueOf(c);
  const { usual } = await sourcesOf(c.get('visit'), c, catalogue);
  const loaded = await loadSource(c, usual, catalogue);
  if ('event' in loaded) return await send(c, loaded.event, usual);
  return await outcome(c, { event: '', source: usual }, {});
}

async function send(c: PageContext, event: string, source: string): Promise<Response> {
  const read = eventIn(event);
  if ('error' in read) return await testPage(c, { event, source, error: read.error, problem: problemWords(read.error, 'payload') });
  return await outcome(c, { event, source }, { payload: read.value });
}

/** Sends it, and shows what came of that with what was typed. */
async function outcome(c: PageContext, shown: Shown, body: { payload?: Record<string, unknown> }): Promise<Response> {
  const sending = await sendTest(c, webhookOf(c).id, body);
  if ('sent' in sending) return await testPage(c, { ...shown, sent: sending.sent });
  const error = sending.refusal;
  const isOfEvent = body.payload !== undefined && error.status === 422;
  if (isOfEvent) return await testPage(c, { ...shown, error, problem: problemWords(error, 'payload') });
  return await testPage(c, { ...shown, error, flash: { kind: 'failed', message: errorText(error) } });
}

/** The event that was typed, or why it is none. */
function eventIn(text: string): { value: Record<string, unknown> } | { error: ApiError } {
  const json = readJsonText(new TextEncoder().encode(text));
  const refused = (message: string) => ({ error: invalid([{ field: 'payload', message }]) });
  if (!json.ok) return refused(jsonFlawWords(text));
  // Before anything goes through it level by level.
  if (layOut(json.bytes).depth > MAX_EVENT_DEPTH) return refused(t('test.tooDeep', { count: MAX_EVENT_DEPTH }));
  return { value: json.value as Record<string, unknown> };
}

async function testPage(c: PageContext, shown: Shown): Promise<Response> {
  const { event, source, focus, problem, sent, error, flash } = shown;
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const [sources, preview] = await Promise.all([sourcesOf(visit, c, await catalogueOf(c)), previewOf(c, event)]);
  const answer = await page(
    c,
    { title: t('test.title'), crumbs: [rootCrumb, webhookCrumb(webhook)], status: error?.status, flash },
    <>
      <div class="page-head">
        <div>
          <h1>{t('test.title')}</h1>
          <p class="lead">{t('test.lead')}</p>
        </div>
      </div>
      {sent && <Answer sent={sent} webhook={webhook} />}
      <form method="post" action={paths.webhook(webhook.id, 'test-event')} class="form beside" novalidate data-tried="">
        <div class="card form">
          {/* Enter sends: it presses the first button. */}
          {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nobody gets to it, and the button that can be seen does the same. */}
          <button type="submit" class="visually-hidden" tabindex={-1} aria-hidden="true">
            {t('test.send')}
          </button>
          <SourceChoice sources={sources} chosen={source} focus={focus ?? null} />
          <div id="test-event-part" data-stepped="">
            <Field name="testEvent" label={t('test.event')} problem={problem} hint={t('test.eventHint')}>
              {(attributes) => (
                <textarea {...attributes} class="code" rows={20} spellcheck={false} autocomplete="off">
                  {`\n${event}`}
                </textarea>
              )}
            </Field>
          </div>
          <div class="actions">
            <button type="submit" class="primary" data-busy={t('button.sending')}>
              {sent ? t('test.sendAgain') : t('test.send')}
            </button>
            <a class="button" href={paths.webhook(webhook.id)}>
              {t('test.toWebhook')}
            </a>
          </div>
        </div>
        <ShownPreview preview={preview} webhook={webhook} visit={visit} focus={focus ?? null} />
      </form>
    </>,
  );
  return error ? withHeadersOf(error, answer) : answer;
}

async function previewOf(c: PageContext, event: string): Promise<TestPreview | null> {
  if (event.trim() === '') return null;
  const read = eventIn(event);
  return 'error' in read ? { problem: problemWords(read.error, 'payload') } : await previewTest(c.get('visit'), webhookOf(c), read.value);
}

function SourceChoice({ sources, chosen, focus }: { sources: Sources; chosen: string; focus: string | null }) {
  const options = (list: readonly Source[]) =>
    list.map(({ value, name }) => (
      <option value={value} selected={value === chosen}>
        {name}
      </option>
    ));
  return (
    <div class="sources">
      <Field name="source" label={t('test.from')}>
        {(attributes) => (
          <select {...attributes} data-steps="load">
            <optgroup label={t('test.examples')}>{options(sources.examples)}</optgroup>
            {sources.recent.length > 0 && <optgroup label={t('test.recent')}>{options(sources.recent)}</optgroup>}
          </select>
        )}
      </Field>
      <Step value="load" id="load" focus={focus}>
        {t('test.use')}
      </Step>
    </div>
  );
}
