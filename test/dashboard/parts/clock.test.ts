import { describe, expect, it } from 'vitest';
import { type Clock, dayTimeText, inputValue, momentText, timeText, zoneName } from '../../../src/dashboard/parts/clock.ts';

const AT = Date.parse('2026-11-05T19:05:09.123Z');
const clock = (zone: string, language = 'en'): Clock => ({ zone, language });

describe('a moment', () => {
  it.each([
    ['UTC', 'en', '5 Nov 2026, 19:05:09 UTC'],
    ['Europe/Berlin', 'en', '5 Nov 2026, 20:05:09'],
    ['Asia/Kolkata', 'en', '6 Nov 2026, 00:35:09'],
    ['Europe/Berlin', 'de', '05.11.2026, 20:05:09'],
  ])('is written for %s in the language %s: %s', (zone, language, text) => {
    expect(momentText(clock(zone, language), AT)).toBe(text);
  });

  it('has the digits of the language of the page', () => {
    expect(momentText(clock('Africa/Cairo', 'ar-EG'), AT)).toContain('٢٠٢٦');
    expect(momentText(clock('Africa/Cairo'), AT)).toContain('2026');
  });

  it('is written in part where there is little room, and as a field has it', () => {
    expect(timeText(clock('America/New_York'), AT)).toBe('14:05');
    expect(dayTimeText(clock('America/New_York'), AT)).toBe('5 Nov, 14:05');
    expect(inputValue(clock('America/New_York'), AT)).toBe('2026-11-05T14:05');
  });
});

it('a zone is named as people read it', () => {
  expect(zoneName(clock('America/Argentina/Buenos_Aires'))).toBe('America/Argentina/Buenos Aires');
  expect(zoneName(clock('Asia/Calcutta'))).toBe('Asia/Kolkata');
});
