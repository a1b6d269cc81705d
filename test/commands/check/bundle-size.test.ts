import { describe, expect, it } from 'vitest';
import { bundleProblem, bundleSizeIn } from '../../../src/commands/check/bundle-size.ts';

const said = (gzip: string) => `Uploading 3 modules\nTotal Upload: 1371.02 KiB / gzip: ${gzip} KiB\n--dry-run: exiting now.`;

describe('the size of the bundle', () => {
  it('is what wrangler says', () => {
    expect(bundleSizeIn(said('257.73'))).toEqual({ kib: 1371.02, gzipKib: 257.73 });
  });

  it('is no problem within the budget', () => {
    expect(bundleProblem(said('520.00'))).toBeNull();
  });

  it('is a problem beyond it', () => {
    expect(bundleProblem(said('520.01'))).toMatch(/520\.01 KiB, more than the 520 KiB/);
  });

  it('is a problem where nothing is known of it', () => {
    expect(bundleProblem('Nothing to upload.')).toMatch(/did not say/);
  });
});
