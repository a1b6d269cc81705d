/**
 * What the minified and compressed bundle may have at most, KiB. Workers takes 10 MB; this is about cold starts, which parse all of it, and
 * about noticing a dependency that brings more than it is worth. The pages' texts in three languages take 50 of it, with what reads them.
 */
export const MAX_GZIP_KIB = 520;

/** The bundle's sizes as wrangler says them, KiB: `Total Upload: 1371.02 KiB / gzip: 257.73 KiB`. Null where it does not. */
export function bundleSizeIn(output: string): { kib: number; gzipKib: number } | null {
  const [, kib, gzipKib] = /([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(output) ?? [];
  return kib === undefined || gzipKib === undefined ? null : { kib: Number(kib), gzipKib: Number(gzipKib) };
}

/** What is wrong with a bundle's size, as wrangler says it; null where nothing is. */
export function bundleProblem(output: string): string | null {
  const size = bundleSizeIn(output);
  if (!size) return 'wrangler did not say how large the bundle is.';
  if (size.gzipKib <= MAX_GZIP_KIB) return null;
  return `The compressed bundle has ${size.gzipKib} KiB, more than the ${MAX_GZIP_KIB} KiB of src/commands/check/bundle-size.ts.`;
}
