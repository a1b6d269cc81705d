import { describe, expect, it } from 'vitest';
import { inLanguage, LANGUAGE_CODES, type Language } from '../../src/dashboard/words/language.ts';
import { t } from '../../src/dashboard/words/words.tsx';
import { createOrganization } from '../support/api.ts';
import { makeLink, PAGES, type Page, signedIn, visitor } from '../support/dashboard.ts';

const speaking = (language: string) => ({ 'Accept-Language': language });

/** The language that a page says it is in, and that its heading is in. */
function languageOf({ html, text }: Page): [said: string | undefined, heading: string | undefined] {
  const headings = { en: 'Sign in to', de: 'anmelden', fr: 'Se connecter aux' };
  const heading = Object.entries(headings).find(([, words]) => text.includes(words))?.[0];
  return [/<html lang="(\w+)"/.exec(html)?.[1], heading];
}

describe('a page is read', () => {
  it.each([
    ['de-AT', 'de'],
    ['fr', 'fr'],
    ['FR-ca;q=0.8, de;q=0.9', 'de'],
    ['es-ES, fr;q=0.5', 'fr'],
    ['de;q=0, fr', 'fr'],
    ['es', 'en'],
    ['*', 'en'],
    ['den', 'en'],
    ['', 'en'],
  ])('by a browser that asks for %j in %s', async (wanted, language) => {
    const page = await visitor().get('sign-in', speaking(wanted));
    expect(languageOf(page)).toEqual([language, language]);
    expect(page.headers.get('Vary')).toBe('Accept-Language, Cookie');
    expect(page.headers.get('Cache-Control')).toBe('no-store');
  });

  it('in the language that its reader has chosen, whatever the browser asks for', async () => {
    const reader = visitor();
    const chosen = await reader.get(`sign-in?why=fresh&lang=fr&next=${PAGES}/alerts`);
    expect([chosen.status, chosen.location]).toEqual([303, `${PAGES}/sign-in?why=fresh&next=${encodeURIComponent(`${PAGES}/alerts`)}`]);
    expect(languageOf(await reader.get(chosen.location ?? '', speaking('de')))).toEqual(['fr', 'fr']);
    // The choice stands at the foot of each page, and keeps the rest of its address.
    const page = await reader.get('sign-in?why=fresh');
    expect(page.html).toContain(`<a href="${PAGES}/sign-in?why=fresh&amp;lang=de" lang="de" hreflang="de">Deutsch</a>`);
    expect(page.html).toContain('lang="fr" hreflang="fr" aria-current="true">Français</a>');
  });

  it('by who comes with a link that names a language', async () => {
    const organization = await createOrganization();
    const reader = visitor();
    const link = await makeLink(organization.id);
    expect((await reader.get(`${link}?lang=de-CH`)).location).toBe(link);
    expect((await reader.get(link)).text).toContain('Dieser Link funktioniert einmal');
    const list = await reader.submit(link);
    expect(list.html).toContain('<html lang="de"');
  });

  it.each(['xx', '', 'constructor', '../en'])('in English still, where an address asks for “%s”', async (lang) => {
    const page = await visitor().get(`sign-in?lang=${encodeURIComponent(lang)}`);
    expect([page.status, ...languageOf(page)]).toEqual([200, 'en', 'en']);
  });

  it('and its stylesheet is the same in all of them', async () => {
    const sheet = await visitor().get('theme.css', speaking('de'));
    expect([sheet.headers.get('Vary'), sheet.headers.get('Cache-Control')]).toEqual([null, 'public, max-age=300']);
  });
});

it('requests at the same time are each answered in their own language', async () => {
  const organization = await createOrganization();
  const person = await signedIn(organization);
  const told = {
    en: ['Alerts', 'Who is told when a webhook fails', 'Sign out'],
    de: ['Benachrichtigungen', 'Wer erfährt, wenn ein Webhook', 'Abmelden'],
    fr: ['Alertes', 'Qui est averti lorsqu’un webhook', 'Se déconnecter'],
  };
  const asked = Array.from({ length: 10 }, () => LANGUAGE_CODES).flat();
  const pages = await Promise.all(asked.map((language) => person.get('alerts', speaking(language))));
  for (const [at, { html, text }] of pages.entries()) {
    const language = asked[at] as Language;
    expect(html).toContain(`<html lang="${language}"`);
    for (const [other, words] of Object.entries(told)) {
      const found = words.filter((each) => text.includes(each));
      expect([language, other, found]).toEqual([language, other, other === language ? words : []]);
    }
  }
});

it('a language lasts through everything that its work waits for, and no longer', async () => {
  const said = async () => {
    const before = t('time.justNow');
    await Promise.resolve();
    return [before, t('time.justNow')];
  };
  const [de, fr, none] = await Promise.all([inLanguage('de', said), inLanguage('fr', said), said()]);
  expect(de).toEqual(['gerade eben', 'gerade eben']);
  expect(fr).toEqual(['à l’instant', 'à l’instant']);
  expect(none).toEqual(['just now', 'just now']);
});

describe('in German and French', () => {
  it.each([
    ['de', 'alerts', 'Benachrichtigungen'],
    ['de', 'audit-log', 'Wird 400 Tage aufbewahrt, höchstens 50.000 Einträge.'],
    ['de', 'sessions', 'Über einen Link der Plattform; Berechtigung admin'],
    ['de', 'erasures', 'Wer gelöscht werden soll'],
    ['de', 'new', 'Nur bestimmte Ereignisse'],
    ['de', '', 'Noch keine Webhooks'],
    ['de', 'search?q=nobody', 'Zu „nobody“ wurde nichts gefunden'],
    ['fr', '', 'Aucun webhook pour l’instant'],
    ['fr', 'search?q=nobody', 'C’était il y a plus de 30 jours. Les livraisons sont conservées 30 jours.'],
    ['fr', 'audit-log', 'Conservé 400 jours'],
    ['fr', 'sessions', 'Qui est connecté'],
    ['fr', 'erasures', 'Qui effacer'],
    ['fr', 'new', 'Tous les visiteurs sont envoyés.'],
    ['fr', 'nothing/here', 'Page introuvable'],
  ])('%s: %s', async (language, path, words) => {
    const person = await signedIn(await createOrganization());
    expect((await person.get(path, speaking(language))).text).toContain(words);
  });

  it('messages, and what is wrong with a form, are said in the language of the page', async () => {
    const person = await signedIn(await createOrganization());
    await person.get('?lang=de');
    const refused = await person.post('new', {
      url: '',
      events: 'visitor.identified',
      secretChoice: 'none',
      once: 'on',
      onceDays: 'viele',
    });
    expect(refused.text).toContain('Geben Sie die URL Ihres Endpunkts ein.');
    expect(refused.text).toContain('Geben Sie eine ganze Zahl von Tagen ein, von 1 bis 365.');
    expect((await person.submit('sessions/end-others')).text).toContain('Sonst war niemand angemeldet.');
    const erased = await person.submit('erasures', { field: 'visitor.email', value: 'ada@example.com' });
    expect(erased.text).toContain('Die Person wird gelöscht.');
  });

  it('a refusal names no key that opens nothing in English', async () => {
    const page = await visitor().post('sign-in', { key: 'bsk_live_0' }, speaking('fr'));
    expect(page.text).toContain('La clé d’API est inconnue, révoquée ou expirée.');
  });
});
