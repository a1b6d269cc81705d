import { type ApiError, type Issue, invalid } from '../api/errors.ts';
import { listEventTypes } from '../api/event-types.ts';
import { MAX_EVENT_DEPTH } from '../domain/event.ts';
import { type EventType, sampledType, sampleEvent } from '../domain/event-type.ts';
import { layOut } from '../domain/json-items.ts';
import { readJsonText } from '../domain/json-text.ts';
import { withHeadersOf } from './error-page.tsx';
import { Field } from './field.tsx';
import { type Flash, setFlash } from './flash.ts';
import { readForm } from './form.ts';
import { heldForm, RESTORED } from './held-form.ts';
import { layOutJson } from './json-layout.ts';
import { page, rootCrumb } from './page.tsx';
import { paths } from './paths.ts';
import type { PageContext } from './visit.ts';
import { sentTest } from './webhook-actions.ts';
import { refusedOf } from './webhook-input.ts';
import { webhookCrumb, webhookOf } from './webhook-page.tsx';

/** The longest example that is offered to be edited, in characters. */
const EXAMPLE_LENGTH = 20_000;

/** `GET <webhook>/test-event`: an example of what the webhook subscribes to, to be edited and sent as a test. */
export async function showTest(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const { eventTypes } = await visit.callGeneral(listEventTypes);
  const type = sampledType(webhookOf(c).events, eventTypes as EventType[]);
  const example = type ? layOutJson(sampleEvent(type, visit.organization.id, visit.nowMs)) : '';
  return await testPage(c, example.length > EXAMPLE_LENGTH ? '' : example);
}

/** `POST <webhook>/test-event`: sends it, waits for its attempt, and shows its delivery. */
export async function submitTest(c: PageContext): Promise<Response> {
  const webhook = webhookOf(c);
  const form = await readForm(c);
  const held = heldForm(form);
  const event = (held ?? form).get('testEvent') ?? '';
  if (held) return await testPage(c, event, { flash: RESTORED });
  try {
    const { path, ...flash } = await sentTest(c.get('visit'), webhook.id, { payload: eventIn(event) });
    await setFlash(c, flash);
    return c.redirect(path, 303);
  } catch (thrown) {
    return await testPage(c, event, { error: refusedOf(c, thrown) });
  }
}

/** The event that was typed. Throws an ApiError where it is none. */
function eventIn(text: string): Record<string, unknown> {
  const json = readJsonText(new TextEncoder().encode(text));
  const refused = (message: string) => invalid([{ field: 'payload', message }]);
  if (!json.ok) throw refused(json.reason.replace('The body', 'This'));
  // Before anything goes through it level by level.
  if (layOut(json.bytes).depth > MAX_EVENT_DEPTH) throw refused(`It nests deeper than ${MAX_EVENT_DEPTH} levels.`);
  return json.value as Record<string, unknown>;
}

async function testPage(c: PageContext, event: string, { error, flash }: { error?: ApiError; flash?: Flash } = {}): Promise<Response> {
  const webhook = webhookOf(c);
  const issues = (error?.details.issues ?? []) as Issue[];
  const problem =
    error &&
    (issues.length === 0
      ? error.message
      : issues.map(({ field, message }) => `${field.replace(/^payload\.?/, '')} ${message}`.trim()).join(' '));
  const shown = await page(
    c,
    { title: 'Test with an event of your own', crumbs: [rootCrumb, webhookCrumb(webhook)], status: error?.status, flash },
    <>
      <div class="page-head">
        <div>
          <h1>Test with an event of your own</h1>
          <p class="lead">It is sent as the webhook sends any: in its format, with its headers. The filter and “once” let it pass.</p>
        </div>
      </div>
      <form method="post" action={paths.webhook(webhook.id, 'test-event')} class="card form" novalidate>
        <Field name="testEvent" label="The event" problem={problem} hint="As JSON. It is marked as a test, whatever it says.">
          {(attributes) => (
            <textarea {...attributes} class="code" rows={20} spellcheck={false} autocomplete="off">
              {`\n${event}`}
            </textarea>
          )}
        </Field>
        <div class="actions">
          <button type="submit" class="primary" data-busy="Sending…">
            Send test event
          </button>
          <a class="button" href={paths.webhook(webhook.id)}>
            Cancel
          </a>
        </div>
      </form>
    </>,
  );
  return error ? withHeadersOf(error, shown) : shown;
}
