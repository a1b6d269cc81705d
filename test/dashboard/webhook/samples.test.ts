import { describe, expect, it } from 'vitest';
import { SAMPLES } from '../../../src/dashboard/webhook/samples.ts';

describe('the verification samples that the pages show', () => {
  it.each(SAMPLES)('have the text for $language, short enough to be read', ({ code }) => {
    for (const part of ['webhook-signature', 'whsec_', '300', 'X-Bullseye-Signature']) expect(code).toContain(part);
    expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
    // The pages show no more of a line than this without scrolling.
    expect(Math.max(...code.split('\n').map((line) => line.length))).toBeLessThanOrEqual(130);
  });

  it.each(SAMPLES)('have a shorter one of the body’s signature for $language', ({ bodyCode }) => {
    expect(bodyCode).toContain('X-Bullseye-Signature');
    expect(bodyCode).not.toContain('webhook-signature');
    expect(bodyCode.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
    expect(Math.max(...bodyCode.split('\n').map((line) => line.length))).toBeLessThanOrEqual(130);
  });
});
