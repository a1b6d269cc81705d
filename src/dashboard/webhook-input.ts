import { ApiError, type Issue } from '../api/errors.ts';
import type { WebhookRow } from '../db/webhooks.ts';
import type { Problems } from './field.tsx';
import { textOf } from './form.ts';

/** What becomes of the secret: `keep` is for a webhook that is there already. */
export const SECRET_CHOICES = ['keep', 'generate', 'own', 'none'] as const;
export type SecretChoice = (typeof SECRET_CHOICES)[number];

/** What a person typed into the form of a webhook, as they typed it. */
export interface WebhookFormValues {
  url: string;
  description: string;
  events: readonly string[];
  secretChoice: SecretChoice;
  secret: string;
  maxPerSecond: string;
}

export const EMPTY_FORM: WebhookFormValues = {
  url: '',
  description: '',
  events: ['visitor.identified'],
  secretChoice: 'generate',
  secret: '',
  maxPerSecond: '',
};

export function valuesOfWebhook({ url, description, events, maxPerSecond }: WebhookRow): WebhookFormValues {
  return { url, description: description ?? '', events, secretChoice: 'keep', secret: '', maxPerSecond: maxPerSecond?.toString() ?? '' };
}

export function valuesOfForm(form: URLSearchParams): WebhookFormValues {
  return {
    url: form.get('url') ?? '',
    description: form.get('description') ?? '',
    events: form.getAll('events'),
    secretChoice: SECRET_CHOICES.find((choice) => choice === form.get('secretChoice')) ?? 'keep',
    secret: form.get('secret') ?? '',
    maxPerSecond: form.get('maxPerSecond') ?? '',
  };
}

/** The values that creating and changing a webhook share, as the API takes them. What is no number is left for the API to refuse. */
export function sharedInput(form: URLSearchParams) {
  const maxPerSecond = textOf(form, 'maxPerSecond');
  return {
    url: textOf(form, 'url') ?? '',
    description: textOf(form, 'description') ?? null,
    events: form.getAll('events'),
    maxPerSecond: maxPerSecond === undefined ? null : Number(maxPerSecond),
  };
}

/** Sentences of our own for what people run into; the API's say the rest. */
const SENTENCES: Record<string, (value: WebhookFormValues) => string | null> = {
  url: ({ url }) => (url.trim() === '' ? 'Enter the URL of your endpoint.' : null),
  events: ({ events }) => (events.length === 0 ? 'Choose at least one event.' : null),
  secret: ({ secret }) => (secret === '' ? 'Enter your secret, or choose that we make one.' : null),
  maxPerSecond: () => 'This is a whole number from 1 to 1,000, or nothing.',
};

/** What the API refused, by field; an error that is about no field of the form is thrown on. */
export function problemsOf(error: unknown, values: WebhookFormValues): Problems {
  if (!(error instanceof ApiError) || error.code !== 'validation_failed') throw error;
  const problems = new Map<string, string>();
  for (const { field, message } of error.details.issues as Issue[]) {
    const [name = ''] = field.split('.');
    if (!problems.has(name)) problems.set(name, SENTENCES[name]?.(values) ?? message);
  }
  return problems;
}
