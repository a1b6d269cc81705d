/*
 * TypeScript of an OpenAPI 3.1 document, as far as ours goes: schemas of JSON Schema without patterns of keys, operations with parameters in the path
 * and the query, JSON bodies, and `webhooks`.
 */

/** A schema, as far as types say something of it. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

interface Body {
  required?: boolean;
  content?: Record<string, { schema?: Schema }>;
}

interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: Body;
  responses: Record<string, Body>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, { post: Operation }>;
  components: { schemas: Record<string, Schema> };
}

const HEAD = '// Written by src/commands/api-types.ts of what /openapi.json says. Not in the repository.\n';

/** The whole file. */
export function writeApiTypes(document: object): string {
  const { paths, webhooks, components } = document as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  return [
    HEAD,
    ...Object.entries(components.schemas).map(([name, schema]) => declaration(name, schema)),
    '/** What webhooks receive, by the name of the event. */\nexport interface WebhookEvents {',
    ...Object.entries(webhooks).map(
      ([name, { post }]) => `  ${comment(post.description)}  ${JSON.stringify(name)}: ${typeOf(jsonOf(post.requestBody))};`,
    ),
    '}\n',
    '/** Every route: what it takes and what it answers. */\nexport interface Operations {',
    ...operations.map(({ operation }) => operationType(operation)),
    '}\n',
    '/** Their methods and paths. */\nexport const OPERATIONS: { readonly [Name in keyof Operations]: readonly [method: string, path: string] } = {',
    ...operations.map(({ path, method, operation }) => `  ${operation.operationId}: ['${method.toUpperCase()}', ${JSON.stringify(path)}],`),
    '};\n',
  ].join('\n');
}

function declaration(name: string, schema: Schema): string {
  return `${comment(schema.description)}export type ${name} = ${typeOf(schema)};\n`;
}

/** What is said of something, above it. */
function comment(text: string | undefined): string {
  return text ? `/** ${text.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ')} */\n` : '';
}

function operationType({ operationId, summary, parameters = [], requestBody, responses }: Operation): string {
  const known = parameters.filter(({ in: place }) => place !== 'header');
  const fields = known.map(({ name, required, description, schema }) => {
    // The key's own is meant where an organization's key names none.
    const isNeeded = required && name !== 'organizationId';
    return `${comment(description)}${keyOf(name)}${isNeeded ? '' : '?'}: ${typeOf(schema)};`;
  });
  const body = jsonOf(requestBody);
  // Events are passed on byte for byte: whoever has them as text sends that.
  const isExact = operationId === 'postEvents';
  if (requestBody) fields.push(`body${requestBody.required ? '' : '?'}: ${typeOf(body)}${isExact ? ' | string | Uint8Array' : ''};`);
  if (isExact) fields.push('/** Made, where none is given: a repetition is never delivered twice. */\nidempotencyKey?: string;');
  const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'));
  const output = [...new Set(answers.map(([, { content }]) => answerType(content)))].join(' | ');
  return `${comment(summary)}${operationId}: { input: { ${fields.join('\n')} }; output: ${output} };`;
}

function answerType(content: Body['content']): string {
  if (!content) return 'undefined';
  return content['application/json'] ? typeOf(content['application/json'].schema) : 'string';
}

function jsonOf(body: Body | undefined): Schema | undefined {
  return body?.content?.['application/json']?.schema;
}

function typeOf(schema: Schema | undefined): string {
  if (!schema) return 'unknown';
  const { $ref, enum: values, anyOf, oneOf, allOf, type } = schema;
  if ($ref) return $ref.slice($ref.lastIndexOf('/') + 1);
  if ('const' in schema) return JSON.stringify(schema.const);
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ');
  const alternatives = anyOf ?? oneOf;
  if (alternatives) return group(alternatives, ' | ');
  if (allOf) return group([...allOf, ...(schema.properties ? [{ ...schema, allOf: undefined }] : [])], ' & ');
  const types = [type ?? []].flat();
  return types.length === 0
    ? schema.properties
      ? objectType(schema)
      : 'unknown'
    : types.map((each) => plainType(each, schema)).join(' | ');
}

function group(schemas: readonly Schema[], joint: string): string {
  return schemas.map((each) => `(${typeOf(each)})`).join(joint);
}

function plainType(type: string, schema: Schema): string {
  if (type === 'integer') return 'number';
  if (type === 'array') return `(${typeOf(schema.items)})[]`;
  return type === 'object' ? objectType(schema) : type;
}

function objectType({ properties = {}, required = [], additionalProperties }: Schema): string {
  const fields = Object.entries(properties).map(
    ([name, schema]) => `${comment(schema.description)}${keyOf(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};`,
  );
  if (additionalProperties === true || (fields.length === 0 && additionalProperties === undefined)) fields.push('[name: string]: unknown;');
  // Beside fields of its own an object's others have to be as these are: what is not said of them is unknown.
  else if (typeof additionalProperties === 'object') {
    fields.push(`[name: string]: ${Object.keys(properties).length > 0 ? 'unknown' : typeOf(additionalProperties)};`);
  }
  return `{ ${fields.join('\n')} }`;
}

function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
