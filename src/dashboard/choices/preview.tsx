import { ApiError, type Issue } from '../../api/errors.ts';
import { previewWebhook } from '../../api/webhooks/webhook-preview.ts';
import { type EventType, sampledType, sampleEvent } from '../../domain/event/event-type.ts';
import { subjectOf } from '../../domain/event/subject.ts';
import type { Format } from '../../domain/rules/choices.ts';
import type { Condition, Scalar } from '../../domain/rules/condition.ts';
import { type Message, messageOf } from '../../domain/rules/message.ts';
import { valuesAt } from '../../domain/rules/path.ts';
import { chosenEvent } from '../../domain/rules/render.ts';
import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { layOutJson } from '../parts/json-layout.ts';
import { type Excerpt, Room } from '../parts/room.ts';
import { errorText } from '../words/error-words.ts';
import { list } from '../words/formats.ts';
import { bold, rich, t } from '../words/words.tsx';
import { conditionWords, partAt } from './condition-words.ts';
import { Step } from './filter-part.tsx';

/** What a preview's texts may take of the page, in bytes; what is sent of the example; each of the events that came. */
const ROOM_BYTES = 50_000;
const PAYLOAD_BYTES = 26_000;
const SAMPLE_BYTES = 8_000;
/** How many of the events that would be sent are shown. */
const SHOWN_SAMPLES = 3;
/** Most conditions that are named as those that keep an event back. */
const SHOWN_CONDITIONS = 3;

/** What a form would have sent. */
export interface Tried {
  /** Null: there is nothing to try, or it could not be tried. */
  filter: Condition | null;
  fields: string[] | null;
  format: Format;
  template?: string | null;
}

/** What came of trying it. */
export interface Preview {
  matches: boolean;
  /** What keeps the example back, in words. */
  kept: string[];
  /** What the example has in place of that, in words. */
  exampleHas: string[];
  /** What would be sent of the example; null: `error` says why it could not be made. */
  payload: Excerpt | null;
  error: string | null;
  /** As a chat shows it; null: it does not go to one. */
  message: Message | null;
  /** Of what came; null: the webhook is new, or its log cannot be read right now. */
  past: { considered: number; matching: number; samples: Sample[] } | null;
}

interface Sample {
  deliveryId: string;
  title: string;
  payload: Excerpt | null;
}

/** What is wrong with the form, so that it could not be tried. */
export interface NotTried {
  problem: string;
}

interface TrialOf {
  webhookId: string | null;
  events: readonly string[];
  eventTypes: readonly EventType[];
  /** What the webhook is called in a chat. */
  name: string;
}

/** Tries a form on the example of an event that the webhook subscribes to, and on what its log has. Nothing is sent or kept. */
export async function tryOut(visit: Visit, tried: Tried, { webhookId, events, eventTypes, name }: TrialOf): Promise<Preview | NotTried> {
  const type = sampledType([...events], eventTypes);
  const example = type ? sampleEvent(type, visit.organization.id, visit.nowMs) : null;
  try {
    const body = { ...tried, ...(webhookId !== null && { webhookId }), ...(type && { event: type.name }) };
    const answer = await visit.call(previewWebhook, { body });
    const room = new Room(ROOM_BYTES);
    return {
      matches: answer.matches,
      kept: keptWords(tried.filter, answer.failedConditions),
      payload: answer.payload === null ? null : room.take(layOutJson(answer.payload, PAYLOAD_BYTES), PAYLOAD_BYTES),
      error: answer.error ?? null,
      exampleHas: example === null ? [] : foundWords(tried.filter, answer.failedConditions, JSON.parse(example)),
      message: example === null ? null : chatMessage(tried, example, name),
      past: answer.past && {
        ...answer.past,
        samples: answer.past.samples.slice(0, SHOWN_SAMPLES).map((sample) => shownSample(sample, room)),
      },
    };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 500) throw error;
    const issues = (error.details.issues ?? []) as Issue[];
    return { problem: issues[0] ? t('preview.notYet', { problem: issues[0].message }) : errorText(error) };
  }
}

/** The conditions at some places of a filter, in words. */
export function keptWords(filter: Condition | null, places: readonly string[]): string[] {
  return partsOf(filter, places).map(conditionWords);
}

function partsOf(filter: Condition | null, places: readonly string[]): Condition[] {
  return places.slice(0, SHOWN_CONDITIONS).flatMap((place) => (filter && partAt(filter, place)) ?? []);
}

/** What an event has in the fields of conditions that keep it back: nobody guesses whether a country is “US” or “United States”. */
function foundWords(filter: Condition | null, places: readonly string[], event: unknown): string[] {
  return partsOf(filter, places).flatMap((part) => {
    if (!('field' in part)) return [];
    const [value] = valuesAt(event, part.field);
    return isScalar(value) ? [conditionWords({ field: part.field, operator: 'equals', value })] : [];
  });
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function chatMessage({ fields, format }: Tried, text: string, name: string): Message | null {
  if (format !== 'slack' && format !== 'teams' && format !== 'discord') return null;
  return messageOf(chosenEvent(new TextEncoder().encode(text), fields), name);
}

function shownSample({ deliveryId, payload }: { deliveryId: string; payload: string | null }, room: Room): Sample {
  const title = (payload === null ? null : titleOf(payload)) ?? deliveryId;
  return { deliveryId, title, payload: payload === null ? null : room.take(layOutJson(payload, SAMPLE_BYTES), SAMPLE_BYTES) };
}

/** Whom a payload is about, in whatever form it is; null: that cannot be told. */
function titleOf(payload: string): string | null {
  const { event, text, embeds, attachments } = JSON.parse(payload) ?? {};
  const found = subjectOf(String(event), JSON.parse(payload)) ?? text ?? embeds?.[0]?.title ?? attachments?.[0]?.content?.fallbackText;
  return typeof found === 'string' && found !== '' ? found.slice(0, 120).toWellFormed() : null;
}

interface PreviewProps {
  /** Null: it has not been asked for. */
  preview: Preview | NotTried | null;
  noun: 'visitor' | 'event';
  webhookId: string | null;
  /** Whether the webhook has a filter already. */
  hasFilter: boolean;
  focus: string | null;
}

/** How many events a filter lets through. */
export function MatchPreview({ preview, focus, ...rest }: PreviewProps) {
  return (
    <div class="preview">
      <div id="preview-match" data-follows="" role="status">
        {preview && ('problem' in preview ? <p class="hint">{preview.problem}</p> : <Matched preview={preview} {...rest} />)}
      </div>
      <div class="actions">
        <Step value="preview.filter" id="preview-filter" focus={focus}>
          {t('preview.button')}
        </Step>
      </div>
    </div>
  );
}

function Matched({ preview, noun, webhookId, hasFilter }: Omit<PreviewProps, 'preview' | 'focus'> & { preview: Preview }) {
  const { matches, kept, exampleHas, past } = preview;
  return (
    <>
      {past === null && webhookId === null && <p>{t('preview.onlyExample')}</p>}
      {past && past.considered > 0 && <p>{rich('preview.ofLast', { noun, total: past.considered, matching: past.matching, b: bold })}</p>}
      {past && hasFilter && <p class="hint">{t('preview.withoutKeptBack')}</p>}
      {past?.considered === 0 && <p>{t('preview.nothingCame')}</p>}
      <p class="hint">
        {exampleWords(matches, kept)} {exampleHas.length > 0 && t('preview.exampleHas', { facts: list(exampleHas) })}
      </p>
      {past && webhookId !== null && past.samples.map((sample) => <ShownSample sample={sample} webhookId={webhookId} />)}
    </>
  );
}

function exampleWords(matches: boolean, kept: readonly string[]): string {
  if (matches) return t('preview.exampleSent');
  return kept.length === 0 ? t('preview.exampleKeptBack') : t('preview.exampleKept', { conditions: list(kept) });
}

function ShownSample({ sample: { deliveryId, title, payload }, webhookId }: { sample: Sample; webhookId: string }) {
  return (
    <details class="sample" id={`sample-${deliveryId}`}>
      <summary>{title}</summary>
      {payload ? <pre tabindex={0}>{payload.text}</pre> : <p class="error">{t('preview.sampleNotMade')}</p>}
      {payload?.isCut && <p class="hint">{t('preview.cut')}</p>}
      <p>
        <a href={paths.delivery(webhookId, deliveryId)}>{t('preview.delivery')}</a>
      </p>
    </details>
  );
}

/** What would be sent of the example. */
export function PayloadPreview({ preview, focus }: Pick<PreviewProps, 'preview' | 'focus'>) {
  return (
    <div class="preview">
      <div id="preview-payload" data-follows="">
        {preview && ('problem' in preview ? <p class="hint">{preview.problem}</p> : <Sent preview={preview} />)}
      </div>
      <div class="actions">
        <Step value="preview.sent" id="preview-sent" focus={focus}>
          {t('preview.button')}
        </Step>
      </div>
    </div>
  );
}

function Sent({ preview: { payload, error, message } }: { preview: Preview }) {
  if (payload === null) {
    return <p class="error">{t('preview.notMade', { error: error ?? '' })}</p>;
  }
  return (
    <>
      <p class="label">{t('preview.sent')}</p>
      {message && <ChatMessage message={message} />}
      <details open={message === null} id={message ? 'sent-json' : 'sent-body'}>
        <summary>{message ? t('preview.asJson') : t('preview.body')}</summary>
        <pre tabindex={0}>{payload.text}</pre>
        {payload.isCut && <p class="hint">{t('preview.longer')}</p>}
      </details>
    </>
  );
}

/** About as a chat shows it. */
function ChatMessage({ message: { title, sentence, facts, footer } }: { message: Message }) {
  return (
    <div class="chat">
      <strong>{title}</strong>
      {sentence && <p>{sentence}</p>}
      <dl>
        {facts.map(({ label, text }) => (
          <div>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p class="hint">{footer}</p>
    </div>
  );
}
