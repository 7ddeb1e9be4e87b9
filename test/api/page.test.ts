import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadPage } from '../../api/server/page.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { openLab } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';

const SCRIPT = `export const text = '${'a'.repeat(2000)}';`;
let folder: string;
let lab: Lab;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(
    join(folder, 'index.html'),
    '<meta name="style-nonce" content="__NONCE__"><title>Bypass</title>',
  );
  await writeFile(join(folder, 'assets/index-1.js'), SCRIPT);
  await writeFile(join(folder, 'assets/secret.pem'), 'no page needs this');
  lab = await openLab({ page: loadPage(folder) });
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true });
});

const get = (url: string, headers: Record<string, string> = {}) =>
  lab.server.inject({ method: 'GET', url, headers });

test.each([
  '/',
  '/templates',
  '/templates/7d8e6d1c-0000-4000-8000-000000000000',
  '/isos/register',
  '/events',
])('%s is answered with the page, under a policy that allows no other scripts', async (url) => {
  const { statusCode, headers, body } = await get(url);
  expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  const nonce = /content="([\w-]{22})"/.exec(body)?.[1];
  const policy = headers['content-security-policy'];
  expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`);
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).not.toContain('unsafe');
  expect((await get(url)).body).not.toContain(nonce);
});

/** The addresses of the views, as ui/app.tsx has them. */
const ROUTES = [
  ...readFileSync(join(PROJECT_ROOT, 'ui/app.tsx'), 'utf8').matchAll(/<Route path="([^"]+)"/g),
].map(([, path = '']) => path.replace(/:id$/, '7d8e6d1c-0000-4000-8000-000000000000').replace('*?', 'a/b'));

test('the views are found in the page', () => expect(ROUTES.length).toBeGreaterThan(20));

test.each(ROUTES)('the view %s may be opened by its address, by clients of any kind', async (url) => {
  const { statusCode, headers } = await get(url);
  expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
});

test('files have their content types, are compressed for clients that accept it, and may be cached for good', async () => {
  const plain = await get('/assets/index-1.js');
  expect(plain.body).toBe(SCRIPT);
  expect(plain.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
  });
  const packed = await get('/assets/index-1.js', { 'accept-encoding': 'gzip, br' });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(packed.rawPayload.length).toBeLessThan(SCRIPT.length / 4);
  expect(gunzipSync(packed.rawPayload).toString()).toBe(SCRIPT);
});

test.each([
  '/assets/secret.pem',
  '/assets/../index.html',
  '/assets/%2e%2e/index.html',
  '/assets/..%2findex.html',
  '/index.html',
  '/nothing',
])('%s is not found', async (url) => {
  const { statusCode, body } = await get(url);
  expect(statusCode).toBe(404);
  expect(body).toContain('There is nothing here');
});

test('a folder without a built page loads no page', () => {
  expect(loadPage(join(folder, 'assets'))).toBeUndefined();
});
