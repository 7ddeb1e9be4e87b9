/** What a metalink, or who serves it, may do wrong, and what is right then. */
import { readFile } from 'node:fs/promises';
import { download } from '../../../images/attempt/download.ts';
import { probe } from '../../../images/attempt/probe.ts';
import type { Probed } from '../../../images/attempt/probe.ts';
import { METALINK_LIMIT, MAX_MIRRORS } from '../../../images/fetch/protocols/metalink/metalink.ts';
import { createSources } from '../../../images/fetch/sources.ts';
import { mirror, openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { onLoopback } from '../../support/loopback.ts';
import { metalink4 } from '../../support/metalinks.ts';

const body = rawDisk(1_048_576);
let lab: DownloadLab;
beforeEach(async () => {
  lab = await openDownloadLab();
  lab.server.serve('/good', { body });
});
afterEach(() => lab.close());

const look = (path: string, budgetMs = 5000): Promise<Probed> =>
  probe({ url: lab.server.url(path), format: 'RAW', budgetMs }, { sources: createSources(onLoopback) });
const metalink = (...paths: readonly string[]): Buffer =>
  metalink4(paths.map((path) => (path.includes(':') ? path : lab.server.url(path))));
const verdicts = ({ urls }: Probed): unknown[] => urls.map(({ url, reachable }) => [url, reachable]);

test('behind a redirect it is read like any other', async () => {
  lab.server.serve('/a.metalink', { redirectTo: '/b' });
  lab.server.serve('/b', { body: metalink('/good') });
  expect(verdicts(await look('/a.metalink'))).toEqual([[lab.server.url('/good'), true]]);
});

test('served as HTML it is read; HTML served as one is not', async () => {
  lab.server.serve('/a.metalink', { body: metalink('/good'), contentType: 'text/html' });
  expect(verdicts(await look('/a.metalink'))).toEqual([[lab.server.url('/good'), true]]);
  lab.server.serve('/b.metalink', { body: Buffer.from('<html><body>Sign in</body></html>') });
  expect((await look('/b.metalink')).urls[0]).toMatchObject({ reachable: false });
});

test('one level only: a metalink is no mirror', async () => {
  lab.server.serve('/a.metalink', { body: metalink('/b.metalink', '/good') });
  lab.server.serve('/b.metalink', { body: metalink('/good') });
  const found = await look('/a.metalink');
  expect(found.urls.map(({ reachable }) => reachable)).toEqual([false, true]);
  // Its beginning, and its end, where a VHD has its footer.
  expect(lab.server.seen('/good').requests).toHaveLength(2);
});

test('without an end it is left at the limit', async () => {
  lab.server.serve('/a.metalink', { body: Buffer.alloc(METALINK_LIMIT * 4, ' ') });
  const [only] = (await look('/a.metalink')).urls;
  expect(only?.reason).toContain(`longer than ${METALINK_LIMIT} bytes`);
  expect(lab.server.seen('/a.metalink').bytes).toBeLessThan(METALINK_LIMIT * 3);
});

test('of a thousand mirrors, all dead, so many are asked as may be, each once', async () => {
  const dead = Array.from({ length: 1000 }, (_, n) => `/dead-${n}`);
  lab.server.serve('/a.metalink', { body: metalink(...dead) });
  const { urls } = await look('/a.metalink');
  expect(urls.some(({ reachable }) => reachable)).toBe(false);
  const asked = dead.filter((path) => lab.server.seen(path).requests.length > 0);
  expect(asked).toHaveLength(MAX_MIRRORS);
  expect(lab.server.seen('/dead-0').requests).toHaveLength(1);
});

test('of mirrors that are all slow each is given up, within the time for all', async () => {
  const slow = Array.from({ length: MAX_MIRRORS }, (_, n) => `/slow-${n}`);
  for (const path of slow) lab.server.serve(path, { silent: true });
  lab.server.serve('/a.metalink', { body: metalink(...slow) });
  const { urls } = await look('/a.metalink', 500);
  expect(urls.map(({ reachable }) => reachable)).toEqual(slow.map(() => false));
  expect(urls.every(({ reason }) => reason !== undefined)).toBe(true);
});

test('forbidden URLs of a metalink are reported and never requested', async () => {
  const bad = ['file:///etc/passwd', 'nfs://h/$(id)', 'ftp://127.0.0.1/a', 'http://u:p@127.0.0.1/a'];
  lab.server.serve('/a.metalink', { body: metalink(...bad, '/good') });
  const { urls } = await look('/a.metalink');
  expect(urls.filter(({ reachable }) => reachable).map(({ url }) => url)).toEqual([lab.server.url('/good')]);
});

test.each(['../../../etc/cron.d/x', '/etc/passwd', '%2e%2e/x', 'a'.repeat(5000)])(
  'the name of its file is never used: %.30s',
  async (name) => {
    const document = metalink('/good').toString().replace('name="disk"', `name="${name}"`);
    lab.server.serve('/a.metalink', { body: Buffer.from(document) });
    expect(verdicts(await look('/a.metalink'))).toEqual([[lab.server.url('/good'), true]]);
  },
);

test('of two mirrors the first gives a login page: the second gives the file', async () => {
  const page = Buffer.from(`<!DOCTYPE html><html>${' '.repeat(70_000)}</html>`);
  lab.server.serve('/page', { body: page });
  const mirrors = [mirror(lab.server.url('/page'), 1), mirror(lab.server.url('/good'), 2)];
  const asked = lab.request({ url: lab.server.url('/a.metalink'), mirrors });
  const image = await download(asked, lab.deps());
  expect((await readFile(image.localPath)).equals(body)).toBe(true);
  expect(image.tries.map(({ failure }) => failure?.kind)).toEqual(['FormatMismatch', undefined]);
  expect(await lab.published()).toEqual([asked.copyId]);
  expect(await lab.parts()).toEqual([]);
});

test('of two mirrors the first lies: the checksum tells, and nothing of it stays', async () => {
  lab.server.serve('/lie', { body: rawDisk(body.length, 2) });
  const mirrors = [mirror(lab.server.url('/lie'), 1), mirror(lab.server.url('/good'), 2)];
  const checksum = `{SHA-256}${sha256(body)}`;
  const image = await download(
    lab.request({ url: lab.server.url('/a.metalink'), mirrors, checksum }),
    lab.deps(),
  );
  expect((await readFile(image.localPath)).equals(body)).toBe(true);
  expect(image.tries.map(({ failure }) => failure?.kind)).toEqual(['ChecksumMismatch', undefined]);
  expect(await lab.parts()).toEqual([]);
});
