import { createHash } from 'node:crypto';
import { probe } from '../../images/probe.ts';
import type { Probed, ProbeRequest } from '../../images/probe.ts';
import { createSources } from '../../images/sources/index.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { isoImage, qcow2Image, rawDisk } from '../support/images.ts';
import { onLoopback } from '../support/loopback.ts';

let server: ImageServer;
beforeEach(async () => {
  server = await startImageServer();
});
afterEach(() => server.close());

const look = (path: string, changes: Partial<ProbeRequest> = {}): Promise<Probed> =>
  probe(
    { url: server.url(path), format: 'QCOW2', budgetMs: 10_000, ...changes },
    { sources: createSources(onLoopback) },
  );
const metalink = (...urls: readonly string[]): Buffer =>
  Buffer.from(
    `<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="x"><size>262144</size>
     <hash type="sha-256">${'ab'.repeat(32)}</hash>
     ${urls.map((url, n) => `<url priority="${n + 1}" location="de">${url}</url>`).join('')}</file></metalink>`,
  );

describe('MetalinkDirectTemplateDownloaderTest', () => {
  test('testCheckUrlMetalink (2): the metalink and its mirrors answer', async () => {
    const document = metalink(server.url('/1'), server.url('/2'));
    server.serve('/a.metalink', { body: document });
    server.serve('/1', { body: qcow2Image() });
    server.serve('/2', { body: qcow2Image(), etag: 'W/"w"', ranges: false });
    const evidence = expect.objectContaining({ looked: 'head', found: ['qcow2'] }) as unknown;
    expect(await look('/a.metalink')).toEqual({
      metalink: {
        digest: createHash('sha256').update(document).digest('hex'),
        size: 262_144,
        checksum: `{SHA-256}${'ab'.repeat(32)}`,
      },
      urls: [
        {
          url: server.url('/1'),
          priority: 1,
          location: 'de',
          reachable: true,
          size: 262_144,
          virtualSize: 1_048_576,
          format: 'qcow2',
          ranges: true,
          etag: '"1"',
          evidence,
        },
        {
          url: server.url('/2'),
          priority: 2,
          location: 'de',
          reachable: true,
          size: 262_144,
          virtualSize: 1_048_576,
          format: 'qcow2',
          ranges: false,
          etag: 'W/"w"',
          evidence,
        },
      ],
    });
  });
});

describe('a metalink', () => {
  test('with one bad URL says which, and why', async () => {
    server.serve('/a.meta4', {
      body: metalink(server.url('/gone'), server.url('/page'), 'ftp://x/', server.url('/good')),
    });
    server.serve('/page', { body: Buffer.from('<html>Log in'), contentType: 'text/html' });
    server.serve('/good', { body: qcow2Image() });
    const { urls } = await look('/a.meta4');
    expect(urls.map(({ url, reachable, reason }) => [url, reachable, reason])).toEqual([
      [server.url('/gone'), false, 'answers 404 Not Found'],
      [server.url('/page'), false, 'the file is an HTML page; it was declared as QCOW2'],
      [server.url('/good'), true, undefined],
      ['ftp://x/', false, 'has scheme ftp; http, https and nfs are taken'],
    ]);
  });

  test('is known by its type as well, whatever its name', async () => {
    server.serve('/download', {
      body: metalink(server.url('/good')),
      contentType: 'application/metalink4+xml; charset=utf-8',
    });
    server.serve('/good', { body: qcow2Image() });
    const found = await look('/download');
    expect(found.metalink?.size).toBe(262_144);
    expect(found.urls).toEqual([expect.objectContaining({ url: server.url('/good'), reachable: true })]);
  });

  test.each([
    ['is none', Buffer.from('<html></html>'), 'the metalink is another kind of document'],
    ['names no URL', metalink(), 'the metalink names no URL'],
    ['is too long', Buffer.alloc(11 * 1_048_576, 0x20), 'the metalink is longer than'],
  ])('that %s is one bad URL', async (_name, body, reason) => {
    server.serve('/a.metalink', { body });
    const { urls, metalink: read } = await look('/a.metalink');
    expect(read).toBeUndefined();
    expect(urls).toEqual([
      expect.objectContaining({
        url: server.url('/a.metalink'),
        reachable: false,
        reason: expect.stringContaining(reason) as string,
      }),
    ]);
  });

  test('with mirrors that never answer takes no longer than the whole may take', async () => {
    const urls = Array.from({ length: 20 }, (_, n) => server.url(`/silent/${n}`));
    for (let n = 0; n < 20; n += 1) server.serve(`/silent/${n}`, { silent: true });
    server.serve('/a.metalink', { body: metalink(...urls) });
    const found = await look('/a.metalink', { budgetMs: 2000 });
    expect(found.urls).toHaveLength(20);
    expect(found.urls.every(({ reachable }) => !reachable)).toBe(true);
    const reasons = found.urls.map(({ reason }) => reason);
    // Eight are asked at a time, and they use up all that reading the metalink has left.
    for (const reason of reasons.slice(0, 8)) {
      expect(reason).toMatch(/^did not answer within (?:[01]\.\d|1|2) s$/);
    }
    expect(reasons.slice(8)).toEqual(Array(12).fill('was not asked: others took all the time'));
    expect(urls.filter((url) => server.seen(new URL(url).pathname).requests.length > 0)).toHaveLength(8);
  });
});

describe('a URL', () => {
  test.each([
    ['ISO', isoImage(), 262_144],
    ['RAW', rawDisk(8192), 8192],
    ['QCOW2', qcow2Image({ virtualSize: 268_435_456n }), 268_435_456],
  ] as const)('of a %s tells what a VM will see', async (format, body, virtualSize) => {
    server.serve('/a', { body });
    const { urls, metalink: none } = await look('/a', { format });
    expect(none).toBeUndefined();
    expect(urls).toEqual([expect.objectContaining({ reachable: true, size: body.length, virtualSize })]);
  });

  test('of another format is not reachable as what was declared', async () => {
    server.serve('/a', { body: isoImage() });
    expect((await look('/a')).urls).toEqual([
      expect.objectContaining({
        reachable: false,
        format: 'iso',
        reason: 'the file is an ISO 9660 image; it was declared as QCOW2',
        virtualSize: 0,
      }),
    ]);
  });

  test('without a size is never ready', async () => {
    server.serve('/a', { body: qcow2Image(), chunked: true, ranges: false });
    expect((await look('/a')).urls).toEqual([
      expect.objectContaining({ reachable: false, reason: 'gives no size', size: 0 }),
    ]);
  });

  test('is reported without its credentials', async () => {
    server.serve('/a', { body: qcow2Image() });
    const url = server.url('/a').replace('//', '//user:secret@');
    expect(JSON.stringify(await look('/a', { url }))).not.toContain('secret');
  });

  test('is left when aborted, with the reason', async () => {
    server.serve('/a', { silent: true });
    const aborter = new AbortController();
    const looking = look('/a', { signal: aborter.signal });
    aborter.abort(new Error('stopped'));
    await expect(looking).rejects.toThrow('stopped');
  });
});

test('each verdict of a metalink is told as it comes, those of fast mirrors before those of slow ones', async () => {
  const urls = [server.url('/silent'), server.url('/gone'), 'ftp://mirror.test/a', server.url('/good')];
  server.serve('/many.metalink', { body: metalink(...urls) });
  server.serve('/silent', { silent: true });
  server.serve('/gone', { status: 404 });
  server.serve('/good', { body: qcow2Image() });
  const told: string[] = [];
  const { urls: all } = await look('/many.metalink', {
    budgetMs: 1000,
    onVerdict: ({ url, reachable }) => told.push(`${url} ${reachable}`),
  });
  expect(told).toHaveLength(4);
  expect(told.at(-1)).toBe(`${urls[0]} false`);
  expect(told.toSorted()).toEqual(all.map(({ url, reachable }) => `${url} ${reachable}`).toSorted());
});
