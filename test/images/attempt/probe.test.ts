import { createHash } from 'node:crypto';
import { probe } from '../../../images/attempt/probe.ts';
import type { Probed, ProbeRequest } from '../../../images/attempt/probe.ts';
import { createSources } from '../../../images/fetch/sources.ts';
import { vhdFooter } from '../../support/hostile-images.ts';
import { startImageServer } from '../../support/image-server.ts';
import type { ImageServer } from '../../support/image-server.ts';
import { isoImage, noise, qcow2Image, rawDisk, sha256 } from '../../support/images.ts';
import { onLoopback } from '../../support/loopback.ts';

const MIB = 1_048_576;
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
  test('reports which of its URLs is bad, and why', async () => {
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

  test('is recognised by its content type, whatever its name', async () => {
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
  ])('that %s is reported as one bad URL', async (_name, body, reason) => {
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

  test('distinguishes a silent name server from a silent web server', async () => {
    const sources = createSources({ ...onLoopback, resolve: () => new Promise(() => undefined) });
    const asked = { url: 'http://name.test/a', format: 'RAW', budgetMs: 100 } as const;
    const { urls } = await probe(asked, { sources });
    expect(urls[0]?.reason).toMatch(
      /^has a host name that was not resolved within [\d.]+ s: the name server does not answer$/,
    );
  });

  test('of mirrors that never answer is given up when the budget is over', async () => {
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
  ] as const)('of a %s is reported with its virtual size', async (format, body, virtualSize) => {
    server.serve('/a', { body });
    const { urls, metalink: none } = await look('/a', { format });
    expect(none).toBeUndefined();
    expect(urls).toEqual([expect.objectContaining({ reachable: true, size: body.length, virtualSize })]);
  });

  test('of another format than the declared one is reported as unreachable', async () => {
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

  test('of unrecognised content is accepted as a raw disk only with a registered checksum', async () => {
    const body = noise(8192);
    server.serve('/a', { body });
    expect((await look('/a', { format: 'RAW' })).urls).toMatchObject([
      { reachable: false, reason: expect.stringContaining('register it with its checksum') as string },
    ]);
    const checksum = `{SHA-256}${sha256(body)}`;
    expect((await look('/a', { format: 'RAW', checksum })).urls).toMatchObject([{ reachable: true }]);
  });

  test.each([
    ['long', MIB],
    ['short', 8192],
  ])('of a %s fixed VHD is refused by its footer', async (_, bytes) => {
    server.serve('/a', { body: Buffer.concat([rawDisk(bytes), vhdFooter(bytes)]) });
    expect((await look('/a', { format: 'RAW' })).urls).toMatchObject([
      {
        reachable: false,
        reason: 'the file is a VHD disk; it was declared as RAW',
        evidence: { found: ['mbr', 'vhd'] },
      },
    ]);
  });

  test('of a source without ranges is judged by its beginning', async () => {
    const body = Buffer.concat([rawDisk(MIB), vhdFooter(MIB)]);
    server.serve('/a', { body, ranges: false });
    expect((await look('/a', { format: 'RAW' })).urls).toMatchObject([{ reachable: true }]);
    server.serve('/b', (n) => (n === 0 ? { body } : { status: 403 }));
    expect((await look('/b', { format: 'RAW' })).urls).toMatchObject([{ reachable: true }]);
  });

  test('without a size is reported as unreachable', async () => {
    server.serve('/a', { body: qcow2Image(), chunked: true, ranges: false });
    expect((await look('/a')).urls).toEqual([
      expect.objectContaining({ reachable: false, reason: 'gives no size', size: 0 }),
    ]);
  });

  test('without a size is refused for its content first', async () => {
    server.serve('/a', { body: Buffer.from('<html>Log in'), chunked: true, ranges: false });
    expect((await look('/a')).urls).toEqual([
      expect.objectContaining({
        reachable: false,
        reason: 'the file is an HTML page; it was declared as QCOW2',
      }),
    ]);
  });

  test('is reported without its credentials', async () => {
    server.serve('/a', { body: qcow2Image() });
    const url = server.url('/a').replace('//', '//user:secret@');
    expect(JSON.stringify(await look('/a', { url }))).not.toContain('secret');
  });

  test('is given up with the reason when the probe is aborted', async () => {
    server.serve('/a', { silent: true });
    const aborter = new AbortController();
    const looking = look('/a', { signal: aborter.signal });
    aborter.abort(new Error('stopped'));
    await expect(looking).rejects.toThrow('stopped');
  });
});

test('verdicts of a metalink are reported as they come, those of fast mirrors first', async () => {
  const urls = [server.url('/silent'), server.url('/gone'), 'ftp://mirror.test/a', server.url('/good')];
  server.serve('/many.metalink', { body: metalink(...urls) });
  server.serve('/silent', { silent: true });
  server.serve('/gone', { status: 404 });
  server.serve('/good', { body: qcow2Image() });
  const verdicts: string[] = [];
  const { urls: all } = await look('/many.metalink', {
    budgetMs: 1000,
    onVerdict: ({ url, reachable }) => verdicts.push(`${url} ${reachable}`),
  });
  expect(verdicts).toHaveLength(4);
  expect(verdicts.at(-1)).toBe(`${urls[0]} false`);
  expect(verdicts.toSorted()).toEqual(all.map(({ url, reachable }) => `${url} ${reachable}`).toSorted());
});

const verdicts = ({ urls }: Probed) => urls.map(({ url, reachable }) => [new URL(url).pathname, reachable]);
const serveMetalink = (...paths: readonly string[]) =>
  server.serve('/a.metalink', { body: metalink(...paths.map((path) => server.url(path))) });

describe('a probe with patience beyond the budget', () => {
  const patient = { budgetMs: 300, patienceMs: 60_000 };
  /** Begins to answer when the budget is over. */
  const late = { body: qcow2Image(), lateMs: 3 * patient.budgetMs };

  test('waits for a URL whose first answer is slow', async () => {
    server.serve('/late', late);
    expect(verdicts(await look('/late', { budgetMs: 300 }))).toEqual([['/late', false]]);
    expect(verdicts(await look('/late', patient))).toEqual([['/late', true]]);
  });

  test('waits for a slow metalink and its slow mirrors', async () => {
    serveMetalink('/gone', '/late');
    server.serve('/gone', { status: 404 });
    server.serve('/late', late);
    server.serve('/late.metalink', { ...late, body: metalink(server.url('/late')) });
    expect(verdicts(await look('/a.metalink', patient))).toEqual([
      ['/gone', false],
      ['/late', true],
    ]);
    expect(verdicts(await look('/late.metalink', patient))).toEqual([['/late', true]]);
  });

  test('gives silent mirrors up at the end of the budget when another mirror is good', async () => {
    serveMetalink('/silent', '/good');
    server.serve('/silent', { silent: true });
    server.serve('/good', { body: qcow2Image() });
    const found = await look('/a.metalink', patient);
    expect(verdicts(found)).toEqual([
      ['/silent', false],
      ['/good', true],
    ]);
    expect(found.urls[0]?.reason).toMatch(/^did not answer within/);
  });

  test('starts other mirrors while silent ones are waited for', async () => {
    const silent = Array.from({ length: 8 }, (_, n) => `/silent/${n}`);
    for (const path of silent) server.serve(path, { silent: true });
    serveMetalink(...silent, '/good');
    server.serve('/good', { body: qcow2Image() });
    expect(verdicts(await look('/a.metalink', patient)).at(-1)).toEqual(['/good', true]);
  });

  test('waits for slow mirrors when every mirror must answer', async () => {
    serveMetalink('/late', '/good');
    server.serve('/late', late);
    server.serve('/good', { body: qcow2Image() });
    expect(verdicts(await look('/a.metalink', { ...patient, all: true }))).toEqual([
      ['/late', true],
      ['/good', true],
    ]);
  });

  test('ends when its patience is over', async () => {
    server.serve('/silent', { silent: true });
    const { urls } = await look('/silent', { budgetMs: 100, patienceMs: 300 });
    expect(urls).toMatchObject([
      { reachable: false, reason: expect.stringMatching(/^did not answer within/) as string },
    ]);
  });
});
