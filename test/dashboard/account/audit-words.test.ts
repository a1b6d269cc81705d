import { describe, expect, it } from 'vitest';
import type { ShownEntry } from '../../../src/api/account/audit-log.ts';
import { actionName, actorWords, deedWords, valueWords } from '../../../src/dashboard/account/audit-words.ts';
import { AUDIT_ACTIONS } from '../../../src/domain/access/audit-log.ts';

const names = new Map([['whk_1', 'CRM']]);

/** An entry of the webhook CRM, by a person. */
function entry(more: Partial<ShownEntry>): ShownEntry {
  return {
    ...{ id: 'aud_1', at: '2026-11-27T14:05:09.000Z', actor: { type: 'dashboard', id: '9f86', name: 'Ada' }, network: null },
    ...{ action: 'webhook.updated', target: { type: 'webhook', id: 'whk_1' }, changes: {} },
    ...more,
  };
}

/** Whoever clicked in a mail. */
const reader = { type: 'service', id: null, name: 'grace@example.com' } as const;

const said = (more: Partial<ShownEntry>) => `${actorWords(entry(more).actor)} ${deedWords(entry(more), names)}.`;
const change = { from: null, to: 'x' };

describe('an entry in words', () => {
  it.each<[Partial<ShownEntry>, string]>([
    [{ changes: { url: change } }, 'Ada (dashboard) changed the URL of CRM.'],
    [{ changes: { url: change, events: change } }, 'Ada (dashboard) changed the URL and events of CRM.'],
    [{ changes: { url: change, events: change, retrySchedule: change } }, 'Ada (dashboard) changed the URL, events and retries of CRM.'],
    [
      { changes: { url: change, events: change, filter: change, secret: change } },
      'Ada (dashboard) changed the URL, events and 2 more of CRM.',
    ],
    [{ changes: { 'headers.X-Key': change } }, 'Ada (dashboard) changed the header X-Key of CRM.'],
    [{ changes: { enabled: { from: true, to: false } } }, 'Ada (dashboard) paused CRM.'],
    [{ changes: { enabled: { from: false, to: true } } }, 'Ada (dashboard) resumed CRM.'],
    [
      { actor: { type: 'dashboard', id: '9f', name: null }, action: 'secret.revealed' },
      'Somebody (dashboard) looked at the secret of CRM.',
    ],
    [
      { actor: { type: 'api_key', id: 'key_1', name: 'CI' }, action: 'secret.rotated', changes: { secret: change } },
      'CI (API key) rotated the secret of CRM.',
    ],
    [
      { action: 'secret.rotated', changes: { formerSecretsExpireAt: change } },
      'Ada (dashboard) stopped signing with the former secrets of CRM.',
    ],
    [
      {
        actor: { type: 'service', id: null, name: null },
        action: 'webhook.disabled',
        changes: { disabledReason: { from: null, to: 'endpoint_gone' } },
      },
      'The service disabled the webhook CRM: it answered 410 Gone.',
    ],
    [
      {
        action: 'webhook.deleted',
        target: { type: 'webhook', id: 'whk_2' },
        changes: { url: { from: 'https://a.example.com/', to: null } },
      },
      'Ada (dashboard) deleted the webhook https://a.example.com/.',
    ],
    [
      {
        action: 'webhook.deleted',
        target: { type: 'webhook', id: 'whk_2' },
        changes: { name: { from: 'Old CRM', to: null }, url: { from: 'https://a.example.com/', to: null } },
      },
      'Ada (dashboard) deleted the webhook Old CRM.',
    ],
    [{ action: 'secret.revealed', target: { type: 'webhook', id: 'whk_2' } }, 'Ada (dashboard) looked at the secret of whk_2.'],
    [
      { action: 'api_key.created', target: { type: 'api_key', id: 'key_2' }, changes: { name: { from: null, to: 'CI' } } },
      'Ada (dashboard) created the API key CI.',
    ],
    [
      { action: 'organization.updated', actor: { type: 'platform', id: null, name: null }, changes: { plan: change } },
      'The platform changed the plan of the organization.',
    ],
    [
      { action: 'dashboard_link.created', changes: { subject: { from: null, to: 'Grace' } } },
      'Ada (dashboard) created a sign-in link for Grace.',
    ],
    [{ action: 'session.started', changes: { keyName: { from: null, to: 'CI' } } }, 'Ada (dashboard) signed in.'],
    [
      { actor: { type: 'dashboard', id: '9f', name: null }, action: 'session.started', changes: { keyName: { from: null, to: 'CI' } } },
      'Somebody (dashboard) signed in with the key CI.',
    ],
    [{ changes: { enabled: change, url: change } }, 'Ada (dashboard) changed the state and URL of CRM.'],
    [{ action: 'session.ended', changes: { session: { from: '9f86', to: null } } }, 'Ada (dashboard) signed out.'],
    [
      { action: 'session.ended', changes: { session: { from: '17aa', to: null }, subject: { from: 'Grace', to: null } } },
      'Ada (dashboard) signed Grace out.',
    ],
    [{ action: 'payload.erased', target: { type: 'delivery', id: 'dlv_1' } }, 'Ada (dashboard) erased the payload of the delivery dlv_1.'],
    [{ action: 'deliveries.canceled', target: { type: 'delivery', id: 'dlv_1' } }, 'Ada (dashboard) canceled the delivery dlv_1.'],
    [{ action: 'deliveries.recovered' }, 'Ada (dashboard) recovered deliveries of CRM.'],
    [{ action: 'alerts.updated', changes: { emails: change } }, 'Ada (dashboard) changed who is told by e-mail.'],
    [
      { actor: reader, action: 'alerts.updated', changes: { 'emails.grace@example.com': { from: 'not confirmed', to: 'confirmed' } } },
      'grace@example.com (by e-mail) confirmed the address.',
    ],
    [
      { actor: reader, action: 'alerts.updated', changes: { 'emails.grace@example.com': { from: 'confirmed', to: null } } },
      'grace@example.com (by e-mail) ended the mails to it.',
    ],
  ])('%# says %s as %s', (more, sentence) => {
    expect(said(more)).toBe(sentence);
  });

  it.each(AUDIT_ACTIONS)('%s has a sentence and a name, also where its entry says nothing more', (action) => {
    const sentence = said({ action });
    expect(sentence).toMatch(/^Ada \(dashboard\) [a-z]/);
    expect(sentence).not.toMatch(/undefined|null/);
    expect(actionName(action)).toMatch(/^[A-Z]/);
  });

  it('is never long, whatever names it has', () => {
    const long = 'x'.repeat(20_000);
    const changes = {
      [`headers.${long}`]: change,
      subject: { from: long, to: long },
      name: { from: long, to: long },
      url: { from: long, to: long },
    };
    for (const action of AUDIT_ACTIONS) {
      const deed = deedWords(entry({ action, changes, target: { type: 'webhook', id: 'whk_2' } }), names);
      expect([action, deed.length < 500]).toEqual([action, true]);
    }
    expect(actorWords({ type: 'api_key', id: 'key_1', name: long }).length).toBeLessThan(200);
  });
});

it('a value is read as people write it', () => {
  expect([null, true, false, [], ['a', 'b'], 'text', 5, { a: 1 }, [1]].map(valueWords)).toEqual([
    'nothing',
    'yes',
    'no',
    'nothing',
    'a, b',
    'text',
    '5',
    '{"a":1}',
    '[1]',
  ]);
});
