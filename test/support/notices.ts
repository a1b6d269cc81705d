import { type Notice, noticeEvent, type Told } from '../../src/domain/event/operational-event.ts';

/** What is known of a webhook that is told about: nothing was given but its URL. */
export const TOLD: Told = { id: 'whk_1', name: null, description: null, waiting: 0, link: null };

/** A delivery to a webhook has failed for good. */
export function aFailing(extra: Partial<Notice> = {}): Notice {
  return {
    event: 'webhook.failing',
    at: 0,
    organizationId: 'org_acme',
    host: 'hooks.example.com',
    since: 0,
    lastAnswer: 'The endpoint answered 500; only a 2xx acknowledges a delivery',
    delivery: { id: 'dlv_1', eventId: 'evt_1' },
    ...extra,
  };
}

/** The event that tells of it. */
export function aNotice(extra: Partial<Notice> = {}, told: Partial<Told> = {}): Record<string, unknown> {
  return noticeEvent(aFailing(extra), { ...TOLD, ...told });
}
