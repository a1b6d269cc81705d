import { describe, expect, it } from 'vitest';
import { curlCommand } from '../../../src/dashboard/parts/curl.ts';
import { layOutJson } from '../../../src/dashboard/parts/json-layout.ts';
import { count, counted, percent, relative, responseWords, span, took } from '../../../src/dashboard/parts/wording.ts';

const NOW = Date.parse('2026-11-25T14:05:09Z');
const MINUTE = 60_000;

describe('numbers for people', () => {
  it.each([
    [0, '0'],
    [12_345, '12,345'],
    [123_456, '123.5K'],
    [2_000_000, '2M'],
  ])('%d is %s', (value, words) => {
    expect(count(value)).toBe(words);
  });

  it('are counted in the singular and the plural', () => {
    expect([0, 1, 2].map((value) => counted(value, 'delivery', 'deliveries'))).toEqual(['0 deliveries', '1 delivery', '2 deliveries']);
  });

  it.each([
    [null, '–'],
    [0, '0 %'],
    [0.985, '98.5 %'],
    [1, '100 %'],
    // One failure of ten thousand is not nothing.
    [0.9999, '99.9 %'],
  ])('a share of %s is %s', (share, words) => {
    expect(percent(share)).toBe(words);
  });
});

describe('what came of the last attempt', () => {
  it.each([
    [422, 77, '422'],
    [200, null, '200'],
    [null, 30_000, 'Timeout'],
    [null, 30_041, 'Timeout'],
    [null, 12, 'Unreachable'],
    [null, null, '–'],
  ])('that was answered with %s after %s ms is %s', (lastResponseStatus, lastDurationMs, words) => {
    expect(responseWords({ lastResponseStatus, lastDurationMs }, 30_000)).toBe(words);
  });
});

describe('times for people', () => {
  it.each([
    [null, '–'],
    [38.4, '38 ms'],
    [1_240, '1.24 s'],
    [29_960, '30.0 s'],
    [125_000, '2 min 5 s'],
  ])('what took %s ms took %s', (durationMs, words) => {
    expect(took(durationMs)).toBe(words);
  });

  it.each([
    [0, 'a moment'],
    [90 * MINUTE, '1 h 30 min'],
    [24 * 60 * MINUTE, '1 d'],
    [24 * 60 * MINUTE + 5_000, '1 d'],
    [3 * 24 * 60 * MINUTE - 1_000, '2 d 23 h'],
  ])('%d ms are %s', (durationMs, words) => {
    expect(span(durationMs)).toBe(words);
  });

  it.each([
    [-1_000, 'just now'],
    [-4 * MINUTE - 5_000, '4 min ago'],
    [2 * 60 * MINUTE + 5 * MINUTE, 'in 2 h 5 min'],
    [500, 'now'],
  ])('%d ms from now is %s', (apartMs, words) => {
    expect(relative(NOW + apartMs, NOW)).toBe(words);
  });
});

describe('JSON laid out', () => {
  it('keeps the digits of numbers, the order of keys, and keys that are there twice', () => {
    const text = '{"b":12345678901234567890,"a":1.10,"a":[],"deep":{"list":[1,{"x":"\\u0041"}]}}';
    const laidOut = layOutJson(text);
    expect(laidOut.split('\n').length).toBeGreaterThan(8);
    expect(laidOut.replaceAll(/\s/g, '')).toBe(text);
    expect(laidOut).toContain('  "b": 12345678901234567890,');
  });

  it.each(['', 'thank you', '{"cut": ', '<html>'])('leaves %j as it is', (text) => {
    expect(layOutJson(text)).toBe(text);
  });
});

describe('a curl command', () => {
  it('survives quotes in what it sends', () => {
    expect(curlCommand("https://x.example/?q='", { 'X-A': "it's" }, `{"a":"'$(rm)'"}`)).toBe(
      [`curl --globoff -X POST 'https://x.example/?q='\\'''`, `  -H 'X-A: it'\\''s'`, `  --data-binary '{"a":"'\\''$(rm)'\\''"}'`].join(
        ' \\\n',
      ),
    );
  });
});
