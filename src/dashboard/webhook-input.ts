import { ApiError, type Issue, toApiError } from '../api/errors.ts';
import { isDatabaseFailure } from '../db/client.ts';
import type { WebhookRow } from '../db/webhooks.ts';
import { MAX_CONCURRENT } from '../domain/webhook.ts';
import { trimmedSecret } from '../domain/webhook-secret.ts';
import type { Problems } from './field.tsx';
import { textOf } from './form.ts';
import type { PageContext } from './visit.ts';

/** What becomes of the secret: `keep` is for a webhook that is there already. */
export const SECRET_CHOICES = ['keep', 'generate', 'own', 'none'] as const;
export type SecretChoice = (typeof SECRET_CHOICES)[number];

/** What a person typed into the form of a webhook, as they typed it; but what comes with pasting a secret, unseen, is off. */
export interface WebhookFormValues {
  url: string;
  description: string;
  events: readonly string[];
  secretChoice: SecretChoice;
  secret: string;
  maxPerSecond: string;
  maxConcurrent: string;
}

export const EMPTY_FORM: WebhookFormValues = {
  url: '',
  description: '',
  events: ['visitor.identified'],
  secretChoice: 'generate',
  secret: '',
  maxPerSecond: '',
  maxConcurrent: '',
};

export function valuesOfWebhook(webhook: WebhookRow): WebhookFormValues {
  return {
    url: webhook.url,
    description: webhook.description ?? '',
    events: webhook.events,
    secretChoice: 'keep',
    secret: '',
    maxPerSecond: webhook.maxPerSecond?.toString() ?? '',
    maxConcurrent: webhook.maxConcurrent?.toString() ?? '',
  };
}

export function valuesOfForm(form: URLSearchParams): WebhookFormValues {
  return {
    url: form.get('url') ?? '',
    description: form.get('description') ?? '',
    events: form.getAll('events'),
    secretChoice: SECRET_CHOICES.find((choice) => choice === form.get('secretChoice')) ?? 'keep',
    secret: trimmedSecret(form.get('secret') ?? ''),
    maxPerSecond: form.get('maxPerSecond') ?? '',
    maxConcurrent: form.get('maxConcurrent') ?? '',
  };
}

/** The values that creating and changing a webhook share, as the API takes them. What is no number is left for the API to refuse. */
export function sharedInput(form: URLSearchParams) {
  return {
    url: withScheme(textOf(form, 'url') ?? ''),
    description: textOf(form, 'description') ?? null,
    events: form.getAll('events'),
    maxPerSecond: numberOf(form, 'maxPerSecond'),
    maxConcurrent: numberOf(form, 'maxConcurrent'),
  };
}

/** A host with a dot, perhaps a port, and what follows. */
const WITHOUT_SCHEME = /^[^\s/?#@:\\]+\.[^\s/?#@:\\]+(:\d+)?([/?#]|$)/;

/** `hooks.example.com/in`, as people copy it from an address bar, can only mean `https://`. What else is wrong is left for the API to refuse. */
export function withScheme(url: string): string {
  return WITHOUT_SCHEME.test(url) ? `https://${url}` : url;
}

/** The number that was typed; null: the field was left empty. */
function numberOf(form: URLSearchParams, name: string): number | null {
  const text = textOf(form, name);
  return text === undefined ? null : Number(text);
}

/** Sentences of our own for what people run into; the API's say the rest. */
const SENTENCES: Record<string, (value: WebhookFormValues) => string | null> = {
  url: ({ url }) => (url.trim() === '' ? 'Enter the URL of your endpoint.' : null),
  events: ({ events }) => (events.length === 0 ? 'Choose at least one event.' : null),
  secret: ({ secret }) => (secret === '' ? 'Enter your secret, or make another choice.' : null),
  maxPerSecond: () => 'This is a whole number from 1 to 1,000, or nothing.',
  maxConcurrent: () => `This is a whole number from 1 to ${MAX_CONCURRENT}, or nothing.`,
};

/** Why a form was not taken: what is wrong by field, or else the error's own message. */
export interface Refusal {
  error: ApiError;
  problems: Problems;
}

/**
 * The refusal after which a form stands again with what was typed: nobody types it twice because of a limit or an outage. A fault
 * of ours is thrown on, to the error page.
 */
export function refusedOf(c: PageContext, thrown: unknown): ApiError {
  if (!(thrown instanceof ApiError) && !isDatabaseFailure(thrown)) throw thrown;
  const error = toApiError(thrown, c.get('requestId'), { method: c.req.method, path: c.req.path });
  if (error.status === 500) throw error;
  return error;
}

export function refusalOf(c: PageContext, thrown: unknown, values: WebhookFormValues): Refusal {
  const error = refusedOf(c, thrown);
  return { error, problems: error.code === 'validation_failed' ? problemsOf(error.details.issues as Issue[], values) : new Map() };
}

function problemsOf(issues: readonly Issue[], values: WebhookFormValues): Problems {
  const problems = new Map<string, string>();
  for (const { field, message } of issues) {
    const [name = ''] = field.split('.');
    if (!problems.has(name)) problems.set(name, SENTENCES[name]?.(values) ?? message);
  }
  return problems;
}
