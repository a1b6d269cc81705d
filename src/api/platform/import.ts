import { ORGANIZATION_ID, ORGANIZATION_ID_FORM } from '../../domain/ids.ts';
import { logInfo } from '../../log.ts';
import { ExportKey, type Seal } from '../../transfer/export-key.ts';
import { FORMAT } from '../../transfer/exported.ts';
import { apply } from '../../transfer/imported.ts';
import { KIND_NAMES, type KindName } from '../../transfer/kinds.ts';
import { linesOf, MAX_IMPORT_BYTES } from '../../transfer/lines.ts';
import { Staging } from '../../transfer/staging.ts';
import { discardRest } from '../body.ts';
import { type Issue, invalid, refusal } from '../errors.ts';
import { type Route, route } from '../route.ts';
import { flawOfEndpoint } from '../webhooks/webhooks.ts';
import { z } from '../zod.ts';
import { exportKeyHeaders, NDJSON } from './export.ts';

/** For so long what is left of an import that is refused is read and thrown away: a client that is cut off does not get to know why. */
const MAX_DISCARD_MS = 30_000;

const count = z.number().int();
const counts = z.object({ added: count, changed: count, unchanged: count });
const imported = z
  .object({
    id: z.string().openapi({ description: 'In the audit log of each organization that was changed.' }),
    things: z.object(Object.fromEntries(KIND_NAMES.map((name) => [name, counts])) as Record<KindName, typeof counts>),
  })
  .openapi('Import', { description: 'What came of what was imported, by what it is.' });

const replace = z.enum(['true', 'false']).optional().openapi({
  description: 'Whether what is here already, and differs, becomes what the export has. Otherwise that is 409, and nothing is imported.',
});

const importAll = route({
  method: 'post',
  path: '/api/v1/platform/import',
  operationId: 'importConfiguration',
  summary: 'Import an export',
  description:
    `All of it or nothing; a second time it changes nothing. At most ${MAX_IMPORT_BYTES.toLocaleString('en')} bytes. What is here and not in the export stays. ` +
    'A key that was revoked here stays revoked. An imported webhook has no deliveries yet, and its endpoint a fresh start.',
  tag: 'Platform',
  access: 'platform',
  headers: exportKeyHeaders,
  query: z.object({ replace }),
  streamedBody: { contentType: NDJSON, description: 'As `GET /api/v1/platform/export` answers.' },
  success: { status: 200, description: 'It is in force, everywhere within 5 seconds.', schema: imported },
  errors: ['import_conflict'],
  handler: async ({ headers, query, stream, env, settings, url, network, nowMs }) => {
    const exportKey = await ExportKey.of(headers['X-Export-Key']);
    const flawOfUrl = (endpoint: string) => flawOfEndpoint(endpoint, settings, url);
    const staging = new Staging({ d1: env.DB, exportKey, masterKeys: settings.masterKeys, nowMs, flawOfUrl });
    await staging.begin();
    try {
      await stage(staging, stream, exportKey);
      const application = { importId: staging.id, nowMs, replace: query.replace === 'true', network };
      const outcome = await apply(env.DB, application);
      if (!outcome.applied) throw conflict(outcome.conflicts);
      logInfo('platform.imported', {
        import: staging.id,
        webhooks: outcome.things.webhook.added,
        organizations: outcome.things.organization.added,
      });
      return { id: staging.id, things: outcome.things };
    } catch (error) {
      if (stream) await discardRest(stream.getReader(), { maxBytes: MAX_IMPORT_BYTES, maxMs: MAX_DISCARD_MS });
      throw error;
    } finally {
      await staging.end();
    }
  },
});

function conflict(issues: readonly Issue[]) {
  const [first = { field: '', message: 'it conflicts with what is here' }] = issues;
  return refusal('import_conflict', `Nothing was imported: ${first.field}: ${first.message}.`, issues);
}

/** Keeps all lines for the transaction that takes them over. Throws where they are no whole export, made with this key. */
async function stage(staging: Staging, stream: ReadableStream<Uint8Array> | null, exportKey: ExportKey): Promise<void> {
  const seal = exportKey.begin();
  let number = 0;
  let isWhole = false;
  for await (const text of linesOf(stream)) {
    if (isWhole) throw wrong(number + 1, 'There is more after the last line of the export.');
    const line = readLine(text, ++number);
    if (number === 1) requireBeginning(line, exportKey);
    else if (line.type === 'end') isWhole = requireEnd(line, { number, seal });
    else if (isThing(line)) await keep(staging, line, number, text.length);
    else throw wrong(number, `\`type\` is not one of ${KIND_NAMES.join(', ')}.`);
    if (!isWhole) seal.add(text);
    if (staging.issues.length > 0) throw invalid(staging.issues);
  }
  await staging.flush();
  if (staging.issues.length > 0) throw invalid(staging.issues);
  if (!isWhole) throw wrong(number + 1, 'The export broke off: its last line is missing.');
}

type Line = Readonly<Record<string, unknown>>;

async function keep(staging: Staging, line: Line & { type: KindName }, number: number, length: number): Promise<void> {
  if (line.type === 'organization' && !ORGANIZATION_ID.test(String(line.id)))
    staging.note(number, { field: 'id', message: ORGANIZATION_ID_FORM });
  await staging.add(line, number, length);
}

function readLine(text: string, number: number): Line {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null && !Array.isArray(line)) return line as Line;
  } catch {
    // Said below.
  }
  throw wrong(number, 'This is not an object of JSON.');
}

function requireBeginning(line: Line, exportKey: ExportKey): void {
  if (line.type !== 'export') throw wrong(1, 'This is no export: its first line says so.');
  if (line.format !== FORMAT) throw wrong(1, `The export has the form ${String(line.format)}; this version reads ${FORMAT}.`);
  if (line.keyId !== exportKey.id) throw wrong(1, 'The export was made with another `X-Export-Key`.');
}

function requireEnd(line: Line, { number, seal }: { number: number; seal: Seal }): true {
  if (line.things !== number - 2) throw wrong(number, `The export has ${String(line.things)} things; these are ${number - 2}.`);
  if (line.seal !== seal.of()) throw wrong(number, 'The seal does not fit: the export was changed since it was made.');
  return true;
}

function isThing(line: Line): line is Line & { type: KindName } {
  return KIND_NAMES.some((name) => name === line.type);
}

function wrong(number: number, message: string) {
  return invalid([{ field: `lines[${number}]`, message }]);
}

export const importRoutes: readonly Route[] = [importAll];
