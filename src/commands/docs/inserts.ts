import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VISITOR_IDENTIFIED_EXAMPLE, VISITOR_IDENTIFIED_SCHEMA } from '../../domain/event/visitor-identified.ts';
import { PROJECT_ROOT } from '../wrangler.ts';
import { escapeHtml, tableFrame } from './markdown.ts';

/*
 * What the pages show that is made of the source, so that it is true: the reference of the payload from the event type's JSON Schema, the
 * verification samples from the files that the tests run.
 */

/** A property of the schema, as far as it describes. */
interface Property {
  type?: string | string[];
  description: string;
  examples?: unknown[];
  properties?: Record<string, Property>;
}

/** The verification samples, in the order of the page: for `webhook-signature`, and for `X-Bullseye-Signature`. */
const SAMPLES: readonly [language: string, standard: string, simple: string][] = [
  ['Node.js', 'node/verify.mjs', 'node/verify-body.mjs'],
  ['Python', 'python/verify.py', 'python/verify_body.py'],
  ['Go', 'go/verify.go', 'go/verify_body.go'],
  ['PHP', 'php/verify.php', 'php/verify-body.php'],
  ['Ruby', 'ruby/verify.rb', 'ruby/verify_body.rb'],
  ['Java', 'java/Verify.java', 'java/VerifyBody.java'],
  ['C#', 'csharp/Verify.cs', 'csharp/VerifyBody.cs'],
  ['Shell', 'shell/verify.sh', 'shell/verify-body.sh'],
];

/** What takes the place of `<!-- name -->` in a page. */
export function inserts(): Record<string, string> {
  return {
    'payload-table': payloadTable(),
    'payload-example': code(JSON.stringify(VISITOR_IDENTIFIED_EXAMPLE, null, 2), 'json'),
    samples: SAMPLES.map((languages, at) => sample(languages, at === 0)).join('\n'),
    'retries-picture': `<figure class="picture" role="group" aria-label="Time line" tabindex="0">${source('src/docs/webhooks/retries.svg')}</figure>\n`,
  };
}

function source(path: string): string {
  return readFileSync(join(PROJECT_ROOT, path), 'utf8');
}

function code(text: string, language: string, caption = ''): string {
  const figcaption = caption && `<figcaption>${caption}</figcaption>`;
  return `<figure class="code">${figcaption}<pre tabindex="0"><code class="language-${language}">${escapeHtml(text)}</code></pre></figure>\n`;
}

/** One is open at a time: the browser sees to that for details of one name. */
function sample([language, standard, simple]: (typeof SAMPLES)[number], open: boolean): string {
  const [key = ''] = standard.split('/');
  const codes = [
    ['webhook-signature', standard],
    ['X-Bullseye-Signature', simple],
  ].map(([header, file]) => code(source(`test/samples/${file}`).trimEnd(), key, header));
  return `<details name="sample" id="sample-${key}"${open ? ' open' : ''}><summary>${language}</summary>${codes.join('')}</details>`;
}

function payloadTable(): string {
  const { properties, required } = VISITOR_IDENTIFIED_SCHEMA as unknown as { properties: Record<string, Property>; required: string[] };
  const top = Object.entries(properties).map(([name, property]) => row(name, property, required.includes(name) ? 'always' : 'sometimes'));
  const parts = Object.entries(properties).flatMap(([name, { properties: inner }]) =>
    inner ? [[name, Object.entries(inner).map(([key, property]) => row(`${name}.${key}`, property, 'sometimes'))] as const] : [],
  );
  return [
    table('The event', top),
    ...parts.map(([name, rows]) => `<h3 id="fields-of-${name}">Fields of <code>${name}</code></h3>\n${table(`Fields of ${name}`, rows)}`),
  ].join('\n');
}

function table(caption: string, rows: readonly string[]): string {
  const head = ['Field', 'Type', 'There', 'Example', 'Meaning'].map((name) => `<th scope="col">${name}</th>`).join('');
  return tableFrame(
    `<table class="payload"><caption class="visually-hidden">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`,
  );
}

function row(path: string, { type, description, examples, properties }: Property, there: string): string {
  const [example] = examples ?? [];
  const shown = properties ? '' : `<code>${escapeHtml(JSON.stringify(example))}</code>`;
  const meaning = escapeHtml(description).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
  return `<tr id="${path}"><th scope="row"><code>${path}</code></th><td>${typeName(type, example)}</td><td>${there}</td><td>${shown}</td><td>${meaning}</td></tr>`;
}

/** Where the schema leaves the type open, it is the sample's, typically. */
function typeName(type: Property['type'], example: unknown): string {
  if (type !== undefined) return [type].flat().join(' or ');
  return typeof example;
}
