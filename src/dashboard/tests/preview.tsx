import { ApiError, type Issue } from '../../api/errors.ts';
import { previewWebhook } from '../../api/webhooks/webhook-preview.ts';
import type { WebhookRow } from '../../db/webhooks.ts';
import { Step } from '../choices/filter-part.tsx';
import { formatWords } from '../choices/format.tsx';
import { keptWords } from '../choices/preview.tsx';
import type { Visit } from '../frame/visit.ts';
import { layOutJson } from '../parts/json-layout.ts';
import { type Excerpt, Room } from '../parts/room.ts';
import { WebhookUrl } from '../webhook/webhook-url.tsx';
import { errorText } from '../words/error-words.ts';
import { list } from '../words/formats.ts';
import { t } from '../words/words.tsx';

/** What a preview's body may take of the page, in bytes. */
const BODY_BYTES = 60_000;

/** The headers of every test, in the order in which they are sent; those that sign come with a secret. */
const HEADERS = [
  'Content-Type',
  'User-Agent',
  'X-Bullseye-Event',
  'X-Bullseye-Delivery',
  'X-Bullseye-Attempt',
  'webhook-id',
  'webhook-timestamp',
  'X-Bullseye-Test',
] as const;
const SIGNING_HEADERS = ['X-Bullseye-Signature', 'webhook-signature'] as const;

/** The names of the headers that a test of a webhook has. Cloudflare adds some of its own. */
export function sentHeaders({ secret, headerNames }: Pick<WebhookRow, 'secret' | 'headerNames'>): string[] {
  return [...HEADERS, ...(secret === null ? [] : SIGNING_HEADERS), ...(headerNames ?? [])];
}

/** What would be sent of an event. `body` is null where it cannot be made: `error` says why. */
export type TestPreview = { problem: string } | { body: Excerpt | null; error: string | null; kept: string[] };

/** Tries an event on a webhook. Nothing is sent or kept. */
export async function previewTest(visit: Visit, webhook: WebhookRow, event: Record<string, unknown>): Promise<TestPreview> {
  try {
    const answer = await visit.call(previewWebhook, { body: { webhookId: webhook.id, event } });
    const body = answer.payload === null ? null : new Room(BODY_BYTES).take(layOutJson(answer.payload, BODY_BYTES));
    return { body, error: answer.error, kept: answer.matches ? [] : keptWords(webhook.filter, answer.failedConditions) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 500) throw error;
    return { problem: problemWords(error, 'event') };
  }
}

/** What is wrong with an event, without the name that the API has for where it stands. */
export function problemWords(error: ApiError, field: 'event' | 'payload'): string {
  const issues = (error.details.issues ?? []) as Issue[];
  if (issues.length === 0) return errorText(error);
  const within = (name: string) => (name === field ? '' : name.replace(new RegExp(`^${field}\\.`), ''));
  return issues.map(({ field: name, message }) => `${within(name)} ${message}`.trim()).join(' ');
}

interface ShownPreviewProps {
  /** Null: it has not been asked for. */
  preview: TestPreview | null;
  webhook: WebhookRow;
  visit: Visit;
  focus: string | null;
}

/** What will be sent, brought up to date as the event is edited. */
export function ShownPreview({ preview, webhook, visit, focus }: ShownPreviewProps) {
  return (
    <section class="card test-preview" aria-labelledby="preview-title">
      <h2 id="preview-title">{t('test.whatIsSent')}</h2>
      <dl class="facts">
        <dt>{t('test.to')}</dt>
        <dd>
          <WebhookUrl url={webhook.url} visit={visit} />
        </dd>
        <dt>{t('test.format')}</dt>
        <dd>{t('test.sentAs', { format: formatWords(webhook.format) })}</dd>
      </dl>
      <div id="preview-test" data-follows="">
        {preview === null ? (
          <p class="hint">{t('test.pressPreview')}</p>
        ) : 'problem' in preview ? (
          <p class="hint">{preview.problem}</p>
        ) : (
          <Body preview={preview} />
        )}
      </div>
      <details class="headers" id="preview-headers">
        <summary>{t('test.headers')}</summary>
        <ul class="names">
          {sentHeaders(webhook).map((name) => (
            <li>
              <code>{name}</code>
            </li>
          ))}
        </ul>
      </details>
      <div class="actions">
        <Step value="preview.test" id="preview-button" focus={focus}>
          {t('preview.button')}
        </Step>
      </div>
    </section>
  );
}

function Body({ preview: { body, error, kept } }: { preview: Exclude<TestPreview, { problem: string }> }) {
  return (
    <>
      {body ? <pre tabindex={0}>{body.text}</pre> : <p class="error">{t('test.notMade', { error: error ?? '' })}</p>}
      {body?.isCut && <p class="hint">{t('preview.longer')}</p>}
      {kept.length > 0 && <p class="hint">{t('test.keptBack', { conditions: list(kept) })}</p>}
    </>
  );
}
