import type { WebhookRow } from '../../db/webhooks.ts';
import { t } from '../words/words.tsx';
import { conditionWords } from './condition-words.ts';
import { fieldsWords } from './fields.tsx';
import { formatWords } from './format.tsx';
import { headersWords } from './headers.tsx';
import { onceWords } from './once.tsx';
import { retryWords } from './retries.tsx';

/** What is chosen of what a webhook sends. */
export type Chosen = Pick<WebhookRow, 'events' | 'filter' | 'once' | 'fields' | 'format' | 'headerNames' | 'retrySchedule'>;

/** Longest part of a sentence about a filter, in characters. */
const MAX_LENGTH = 400;

/** Events as people call them: of most webhooks these are visitors. */
export function nounOf(events: readonly string[]): 'visitor' | 'event' {
  return events.every((name) => name === 'visitor.identified') ? 'visitor' : 'event';
}

/** “Only visitors where company size is at least 200” */
export function filterWords({ events, filter }: Pick<Chosen, 'events' | 'filter'>): string {
  const noun = nounOf(events);
  if (filter === null) return t('filter.all', { noun });
  const words = conditionWords(filter);
  return t('filter.where', { noun, condition: words.length > MAX_LENGTH ? `${words.slice(0, MAX_LENGTH).toWellFormed()} …` : words });
}

/** All that is chosen, in words: “Only visitors where company size is at least 200 · each e-mail address once in 30 days · as a Slack message”. Empty: nothing is. */
export function chosenWords(webhook: Chosen): string {
  const { filter, once, fields, format, headerNames, retrySchedule } = webhook;
  const parts = [
    filter && filterWords(webhook),
    once && onceWords(once),
    fields && fieldsWords(fields),
    format !== 'event' && formatWords(format),
    headerNames && headersWords(headerNames),
    retrySchedule && retryWords(retrySchedule),
  ].filter((part) => typeof part === 'string');
  const said = parts.join(' · ');
  return said.charAt(0).toUpperCase() + said.slice(1);
}
