/** What is said of an event of the service itself, and which of its fields that says already. */
export interface Alert {
  title: string;
  sentence: string;
  said: string[];
  /** The page that has more of it. */
  link: string | null;
}

const OF_WEBHOOKS: Readonly<Record<string, { title: string; sentence: (webhook: string, event: Record<string, unknown>) => string }>> = {
  'webhook.failing': {
    title: 'Webhook is failing',
    sentence: (webhook, { reason }) =>
      reason === 'outbox_full'
        ? `More deliveries wait for ${webhook} than are kept, so further ones are discarded: its endpoint takes too few.`
        : `A delivery to ${webhook} has failed for good, though its endpoint had worked before.`,
  },
  'webhook.recovered': {
    title: 'Webhook works again',
    sentence: (webhook) => `The endpoint of ${webhook} takes deliveries again.`,
  },
  'webhook.disable_warning': {
    title: 'Webhook will be disabled',
    sentence: (webhook, { will_be_disabled_at: at }) =>
      typeof at === 'string'
        ? `${webhook} will be disabled on ${dayAndTime(at)} if its endpoint goes on failing: nothing has been delivered since it began to.`
        : `${webhook} will be disabled if its endpoint goes on failing: nothing has been delivered for days.`,
  },
  'webhook.disabled': {
    title: 'Webhook was disabled',
    sentence: (webhook, { webhook: about }) => `${webhook} was disabled${REASONS[String(isObject(about) && about.disabled_reason)] ?? ''}.`,
  },
};

const REASONS: Readonly<Record<string, string>> = {
  endpoint_gone: ': its endpoint answered 410 Gone',
  endpoint_failing: ': its endpoint has done nothing but fail for days',
};

/**
 * What has happened to which webhook, or that a person was erased; null where the event is not the service's own. The webhook is the one that the
 * event is about, never the one that brings it: by its name, or else its description, or its host.
 */
export function alertOf(event: Record<string, unknown>): Alert | null {
  const type = String(event.event);
  if (type === 'visitor.erased') {
    return {
      title: 'A person was erased',
      sentence: 'Somebody asked to be forgotten, and Bullseye has erased what it had. Erase what you have of the person, too.',
      said: [],
      link: null,
    };
  }
  const words = Object.hasOwn(OF_WEBHOOKS, type) ? OF_WEBHOOKS[type] : undefined;
  if (!words) return null;
  const webhook = isObject(event.webhook) ? event.webhook : {};
  // Who gave no name has the host in its place: a description says more.
  const names = [webhook.name === webhook.host ? undefined : webhook.name, webhook.description, webhook.name, webhook.host];
  const shown = names.find((name) => typeof name === 'string' && name.trim() !== '');
  const name = shown === undefined ? 'one of your webhooks' : shown === webhook.host ? String(shown) : `“${shown}”`;
  const isSaid = (key: string) => key === 'disabled_reason' || webhook[key] === shown || (key === 'name' && webhook.name === webhook.host);
  const said = Object.keys(webhook).filter(isSaid);
  return {
    title: words.title,
    sentence: words.sentence(name, event),
    said: [...said.map((key) => `webhook.${key}`), 'message', 'reason', 'will_be_disabled_at', 'url'],
    link: typeof event.url === 'string' ? event.url : null,
  };
}

/** `2026-11-23 at 14:05 UTC`. */
function dayAndTime(text: string): string {
  return `${text.slice(0, 10)} at ${text.slice(11, 16)} UTC`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
