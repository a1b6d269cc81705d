import { describe, expect, it } from 'vitest';
import { failureText } from '../../../src/dashboard/words/attempt-words.ts';
import { inLanguage } from '../../../src/dashboard/words/language.ts';
import { describeFailure, describeStatus } from '../../../src/domain/delivery/outcome.ts';

const named = (name: string, message: string) => Object.assign(new Error(message), { name });
const redirect = new Headers({ location: 'https://hooks.example.com/' });

describe('what an attempt failed of is said in the language of the page:', () => {
  it.each([
    [describeStatus(500, new Headers()), 'mit 500 geantwortet. Nur 200 bis 299'],
    [describeStatus(103, new Headers()), 'mit 103 geantwortet'],
    [describeStatus(301, redirect), 'mit 301 geantwortet: Weiterleitungen'],
    [describeStatus(410, new Headers()), 'mit 410 Gone geantwortet'],
    [describeFailure(named('TimeoutError', ''), 30_000), 'Keine Antwort innerhalb von 30 s'],
    [describeFailure(named('Error', 'Network connection lost.'), 30_000), 'Die Verbindung wurde abgelehnt oder abgebrochen'],
    [describeFailure(named('Error', 'internal error; reference = 1'), 30_000), 'Es kam keine Verbindung zustande'],
    [describeFailure(named('Error', 'a redirect'), 30_000), 'mit einer Weiterleitung geantwortet'],
    ['The request failed', 'Die Anfrage ist fehlgeschlagen'],
  ])('%s', (error, words) => {
    expect(inLanguage('de', () => failureText(error ?? ''))).toContain(words);
  });

  it('without the API’s jargon, and as it is where nobody has foreseen it', () => {
    expect(failureText(describeStatus(500, new Headers()) ?? '')).toBe(
      'The endpoint answered 500. Only 200 to 299 means that it received the delivery.',
    );
    expect(inLanguage('de', () => failureText('The request failed: something new'))).toBe('The request failed: something new');
  });
});
