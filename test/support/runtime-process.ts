import { createRequire } from 'node:module';
import type { Miniflare, V4MiniflareOptions } from 'miniflare';

/*
 * The local runtime as wrangler has it, in a process group of its own with its workerd: `fork`ed by runtime.ts, which kills the
 * group. The costly part, loading it, is done before it is told to start.
 */
interface MiniflareModule {
  Miniflare: typeof Miniflare;
  convertV4MiniflareOptions(options: V4MiniflareOptions): ConstructorParameters<typeof Miniflare>[0];
}

// Wrangler's own: the tests use the runtime that `npm run dev` uses.
const ofWrangler = createRequire(createRequire(import.meta.url).resolve('wrangler'));
const miniflare = ofWrangler('miniflare') as MiniflareModule;

process.once('message', async (options: V4MiniflareOptions) => {
  const runtime = new miniflare.Miniflare(miniflare.convertV4MiniflareOptions(options));
  const origin = (await runtime.ready).origin;
  process.send?.({ origin });
});
process.on('disconnect', () => process.exit());
