import { describe, expect, it } from 'vitest';
import { csvLine } from '../../../src/domain/text/csv.ts';

describe('a line of CSV', () => {
  it('has commas between its fields and ends with CR and LF', () => {
    expect(csvLine(['a', 1, true, null, ''])).toBe('a,1,true,,\r\n');
  });

  it.each([
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\r\nlines', '"two\r\nlines"'],
    [' space ', '" space "'],
    ['Zoë – 李', 'Zoë – 李'],
  ])('writes %j as %j', (text, written) => {
    expect(csvLine([text])).toBe(`${written}\r\n`);
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1', '|cmd', '%0A=1', '=HYPERLINK("https://evil.example","x")'])(
    'takes the sting out of a text that a spreadsheet would run: %j',
    (text) => {
      expect(csvLine([text])).toMatch(/^"?'/);
    },
  );

  it('leaves numbers below zero alone', () => {
    expect(csvLine([-5])).toBe('-5\r\n');
  });
});
