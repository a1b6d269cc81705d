import { describe, expect, it } from 'vitest';
import { causeSentence, causeTitle, helpWith } from '../../../src/dashboard/attention/failure-words.ts';
import { CAUSES, type Cause } from '../../../src/domain/delivery/failure.ts';

const help = (cause: Cause, status: number | null, error: string | null = null) => helpWith({ cause, status, error });

describe('what usually helps', () => {
  it.each<[Cause, number, RegExp]>([
    ['rejects', 301, /we do not follow redirects/],
    ['rejects', 308, /we do not follow redirects/],
    ['rejects', 401, /key or a password/],
    ['rejects', 403, /does not let us in/],
    ['rejects', 404, /Copy it again/],
    ['rejects', 405, /does not accept POST/],
    ['rejects', 410, /gone for good/],
    ['rejects', 413, /too large/],
    ['rejects', 415, /JSON/],
    ['rejects', 422, /refuses what is in it/],
    ['rejects', 429, /deliveries per second/],
    ['rejects', 418, /Its answer says why/],
    ['has_errors', 500, /Look into its log/],
    ['has_errors', 503, /behind it does not/],
    ['blocked', 403, /in the firewall/],
    ['unreachable', 526, /certificate/],
  ])('%s with %d', (cause, status, words) => {
    expect(help(cause, status)).toMatch(words);
  });

  it.each<[Cause, string, RegExp]>([
    ['does_not_answer', 'No response within 30 s', /answer first/],
    ['unreachable', 'The connection was refused or broken off, or what came back was not valid HTTP', /your server runs/],
    ['unreachable', 'No connection could be made: the host name does not resolve, or its TLS certificate is not valid for it', /host name/],
    ['unreachable', 'The request failed: something new', /DNS records/],
  ])('%s where there was no answer: %s', (cause, error, words) => {
    expect(help(cause, null, error)).toMatch(words);
  });
});

it('titles and sentences say the cause without a word of ours', () => {
  const said = [
    ...CAUSES.map(causeTitle),
    causeSentence('CRM', { cause: 'rejects', status: 422 }).join(''),
    causeSentence('CRM', { cause: 'does_not_answer', status: null }).join(''),
  ];
  expect(said.slice(-2)).toEqual(['CRM rejects deliveries (422)', 'CRM does not answer']);
  expect(said.join(' ')).not.toMatch(/circuit|probe|outbox|2xx/i);
});
