import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { outsideFindings } from '../../../src/commands/doctor/outside.ts';
import { platformFindings } from '../../../src/commands/doctor/platform.ts';
import { VERSION } from '../../../src/version.ts';
import { UNTRUSTED_CERTIFICATE, UNTRUSTED_KEY } from '../../support/untrusted-certificate.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
});

/** Serves these answers; everything else is 401. */
async function serving(answers: Record<string, [status: number, body: object]>): Promise<URL> {
  server = createServer((request, response) => {
    const [status, body] = answers[(request.url ?? '').replace(/\?.*/, '')] ?? [401, {}];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const WELL: Record<string, [number, object]> = {
  '/health': [200, { status: 'ok', version: VERSION }],
  '/.well-known/security.txt': [200, {}],
};

it.each<[string, Record<string, [number, object]>, object]>([
  ['a Worker that is well', {}, { what: 'health', standing: 'ok', found: `version ${VERSION}` }],
  ['another version', { '/health': [200, { status: 'ok', version: '9.9.9' }] }, { what: 'health', standing: 'warning' }],
  [
    'a deployment with weak secrets',
    { '/health': [503, { code: 'insecure_deployment' }] },
    { what: 'health', standing: 'fault', found: expect.stringContaining('secret') },
  ],
  ['a Worker that fails', { '/health': [500, {}] }, { what: 'health', standing: 'fault', found: 'status 500' }],
  ['a deployment that names no contact', { '/.well-known/security.txt': [404, {}] }, { what: 'security.txt', standing: 'warning' }],
])('tells of %s', async (_what, more, finding) => {
  const url = await serving({ ...WELL, ...more });
  expect(await outsideFindings(url)).toContainEqual(expect.objectContaining(finding));
});

it('tells of an address where nothing answers, and of a name that there is not', async () => {
  const url = await serving({});
  await new Promise((resolve) => server?.close(resolve));
  expect(await outsideFindings(url)).toContainEqual(
    expect.objectContaining({ what: 'health', standing: 'fault', advice: expect.any(String) }),
  );
  const nowhere = await outsideFindings(new URL('https://nothing.bullseye.invalid'));
  expect(nowhere).toContainEqual(expect.objectContaining({ what: 'name', standing: 'fault', advice: expect.stringContaining('--domain') }));
});

it.each<[string, object, object]>([
  ['secrets that do not open', { current: 1, former: 0, unknown: 2 }, { standing: 'fault', found: expect.stringContaining('2') }],
  ['a rotation under way', { current: 1, former: 3, unknown: 0 }, { standing: 'warning', found: expect.stringContaining('3 of 4') }],
  ['none of that', { current: 1, former: 0, unknown: 0 }, { standing: 'ok' }],
])('with the platform key it tells of %s', async (_what, sealed, finding) => {
  const url = await serving({
    '/api/v1/platform/sealed-secrets': [200, sealed],
    '/api/v1/platform/parked-messages': [200, { data: [{}] }],
  });
  const findings = await platformFindings(url, 'a key');
  expect(findings[0]).toMatchObject(finding);
  expect(findings[1]).toMatchObject({ what: 'parked messages', standing: 'warning', found: '1' });
});

/** Serves by TLS, with these headers, and this answer to the development key. */
async function servingByTls(headers: Record<string, string>, keyStatus = 401): Promise<URL> {
  const secure = createTlsServer({ cert: UNTRUSTED_CERTIFICATE, key: UNTRUSTED_KEY }, (request, response) => {
    response.writeHead(request.url === '/api/v1/key' ? keyStatus : 200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(WELL['/health']?.[1]));
  });
  server = secure;
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  return new URL(`https://127.0.0.1:${(secure.address() as AddressInfo).port}`);
}

it('looks at the certificate, HSTS and the development key of a deployment', async () => {
  // The certificate is nobody's that is trusted: what comes after that is what is looked at.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const standings = async (url: URL) =>
    Object.fromEntries((await outsideFindings(url, false)).map(({ what, standing }) => [what, standing]));
  // What the machine has at port 80 is its own affair.
  expect(await standings(await servingByTls({ 'strict-transport-security': 'max-age=31536000' }))).toMatchObject({
    ...{ name: 'ok', health: 'ok', 'development key': 'ok', 'security.txt': 'ok', HSTS: 'ok', certificate: 'ok' },
  });
  server?.close();
  expect(await standings(await servingByTls({}, 200))).toMatchObject({ HSTS: 'fault', 'development key': 'fault' });
});

it('says of a certificate that nobody trusts what is wrong with it', async () => {
  const findings = await outsideFindings(await servingByTls({}), false);
  expect(findings).toContainEqual(expect.objectContaining({ what: 'certificate', found: expect.stringContaining('certificate') }));
  expect(findings).toContainEqual(expect.objectContaining({ what: 'health', standing: 'fault' }));
});
