import { withoutParameters } from '../../db/client.ts';
import { logError, logInfo } from '../../log.ts';
import { EXPORT_KEY, ExportKey } from '../../transfer/export-key.ts';
import { exportedLines } from '../../transfer/exported.ts';
import { type Route, route } from '../route.ts';
import { z } from '../zod.ts';

/** Lines of JSON. */
export const NDJSON = 'application/x-ndjson';

/** What an export is sealed with; its import needs the same. */
export const exportKeyHeaders = z.object({
  'X-Export-Key': z
    .string()
    .regex(EXPORT_KEY, '`X-Export-Key` is not 32 bytes in base64: `openssl rand -base64 32` makes some.')
    .openapi({ description: 'Seals the secrets, and vouches for the rest: 32 random bytes, base64. It is not kept.' }),
});

const exportAll = route({
  method: 'get',
  path: '/api/v1/platform/export',
  operationId: 'exportConfiguration',
  summary: 'Export all configuration',
  description:
    "The catalogue, organizations, API keys (their hashes), webhooks with all that was chosen, and alerts, as lines of JSON. Webhooks' secrets and headers " +
    'are sealed for the key in `X-Export-Key`. The last line says how many things there are: without it the export broke off, and cannot be imported. ' +
    'Deliveries, audit logs and sessions are not in it.',
  tag: 'Platform',
  access: 'platform',
  headers: exportKeyHeaders,
  success: { status: 200, description: 'The export.', contentType: NDJSON, schema: z.string() },
  handler: async ({ headers, db, settings, nowMs }) => {
    const exportKey = await ExportKey.of(headers['X-Export-Key']);
    logInfo('platform.exported', { keyId: exportKey.id });
    const lines = exportedLines({ db, exportKey, masterKeys: settings.masterKeys, nowMs });
    return new Response(streamOf(bytesOf(lines)), {
      headers: { 'Content-Type': NDJSON, 'Content-Disposition': 'attachment; filename="bullseye-webhooks.ndjson"' },
    });
  },
});

/** Lines as bytes, many at a time. What fails on the way ends the body without its last line. */
async function* bytesOf(lines: AsyncGenerator<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = '';
  try {
    for await (const line of lines) {
      text += `${line}\n`;
      if (text.length < 64_000) continue;
      yield encoder.encode(text);
      text = '';
    }
  } catch (error) {
    logError('platform.export_failed', withoutParameters(error));
    throw error;
  }
  yield encoder.encode(text);
}

/** What a generator gives, as far as somebody reads it. */
function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}

export const exportRoutes: readonly Route[] = [exportAll];
