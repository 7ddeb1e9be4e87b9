/** Whole downloads over several connections, from an origin that gives each of them only so much. */
import { randomUUID } from 'node:crypto';
import { cpSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../../../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../../../images/attempt/download.ts';
import { openLedger } from '../../../../images/pools/ledger.ts';
import { PARTS_FOLDER } from '../../../../images/pools/files/part-file.ts';
import { reportPool } from '../../../../images/pools/files/report.ts';
import { fixedTrust } from '../../../../images/fetch/network/trust.ts';
import { selfSigned } from '../../../support/certificates.ts';
import { mirror, openDownloadLab } from '../../../labs/download.ts';
import type { DownloadLab } from '../../../labs/download.ts';
import { startImageServer } from '../../../support/image-server.ts';
import type { Behaviour } from '../../../support/image-server.ts';
import { rawDisk, sha256 } from '../../../support/images.ts';
import { casesOfForm, isFullRun } from '../../../support/programs.ts';

const MIB = 1_048_576;
const SIZE = 16 * MIB;
const body = rawDisk(SIZE);
const other = rawDisk(SIZE, 2);
const checksum = `{SHA-256}${sha256(body)}`;
/** About 3 MB/s for each connection. */
const limited: Behaviour = { body, pauseMs: 20, pieceBytes: 65_536 };
/** What connections may have under way when they are ended. */
const SLACK = 2 * MIB;

let lab: DownloadLab;
let copyId: string;

beforeEach(async () => {
  lab = await openDownloadLab();
  copyId = randomUUID();
});
afterEach(() => lab.close());

type Deps = Parameters<DownloadLab['deps']>[0];
const attempt = (changes: Partial<DownloadRequest> = {}, deps: Deps = {}): Promise<DownloadedImage> =>
  download(
    lab.request({ url: lab.server.url('/a.img'), copyId, size: SIZE, ...changes }),
    lab.deps({ checkpointBytes: MIB, ...deps }),
  );
const bytesOf = async (image: DownloadedImage): Promise<Buffer> => readFile(image.localPath);
const seen = (path: string) => lab.server.seen(path);

test('an origin that limits each connection: several are opened, no byte comes twice', async () => {
  lab.server.serve('/a.img', limited);
  const image = await attempt({}, { connections: 6 });
  expect((await bytesOf(image)).equals(body)).toBe(true);
  expect(image).toMatchObject({ sha256: sha256(body), fetched: SIZE });
  expect(seen('/a.img').peak).toBeGreaterThan(2);
  expect(seen('/a.img').peak).toBeLessThanOrEqual(6);
  expect(seen('/a.img').bytes).toBeLessThanOrEqual(SIZE + SLACK);
  expect(image.tries).toHaveLength(1);
  for (const headers of seen('/a.img').requests.slice(1)) {
    expect(headers).toMatchObject({ 'if-range': '"1"', range: expect.stringMatching(/^bytes=\d+-\d+$/) });
  }
});

test('an origin without limits: one connection, or few', async () => {
  lab.server.serve('/a.img', { body });
  const image = await attempt();
  expect((await bytesOf(image)).equals(body)).toBe(true);
  expect(seen('/a.img').requests.length).toBeLessThanOrEqual(4);
});

const ofOneStream = [
  ['ignores Range', { ...limited, ranges: false }],
  ['has a weak tag', { ...limited, etag: 'W/"1"' }],
  ['has no tag', { ...limited, etag: null }],
] as const;
test.each(casesOfForm(ofOneStream))(
  'a server that %s: one stream, which goes on to its end',
  async (_name, behaviour) => {
    lab.server.serve('/a.img', { ...behaviour, pieceBytes: 262_144 });
    const image = await attempt();
    expect((await bytesOf(image)).equals(body)).toBe(true);
    expect(image.fetched).toBe(SIZE);
    expect(image.tries).toMatchObject([{ bytes: SIZE }]);
    expect(image.tries[0]).not.toHaveProperty('failure');
    expect(seen('/a.img').requests.length).toBeLessThanOrEqual(2);
  },
);

if (isFullRun)
  test('tags that rotate among servers of one name: one stream, nothing mixed', async () => {
    lab.server.serve('/a.img', (n) => ({ ...limited, pieceBytes: 65_536, etag: `"node-${n}"` }));
    const image = await attempt();
    expect((await bytesOf(image)).equals(body)).toBe(true);
    expect(image).toMatchObject({ fetched: SIZE });
    expect(image.tries.map(({ note }) => note)).toEqual([
      'only one connection: the file at the source changed',
    ]);
  });

test.each(
  isFullRun
    ? [
        ['a checksum', { checksum }],
        ['no checksum', {}],
      ]
    : [['no checksum', {}]],
)(
  'of servers that take turns under one name each has a tag of its own, and there is %s: the file comes',
  async (_name, given) => {
    // A part that comes first under the same tag does not mislead.
    lab.server.serve('/a.img', (n) => ({ ...limited, etag: n < 2 || n % 2 === 0 ? '"a"' : '"b"' }));
    const image = await attempt(given);
    expect((await bytesOf(image)).equals(body)).toBe(true);
    expect(image.tries.at(-1)).not.toHaveProperty('failure');
    expect(image.fetched).toBeLessThan(2 * SIZE);
  },
);

test.each(casesOfForm([503, 429]))('%i to one more connection: fewer will do', async (status) => {
  lab.server.serve('/a.img', () =>
    seen('/a.img').open >= 3
      ? { status, headers: { 'retry-after': '60' } }
      : { ...limited, pieceBytes: 32_768 },
  );
  const image = await attempt();
  expect((await bytesOf(image)).equals(body)).toBe(true);
  expect(image.tries).toHaveLength(1);
  expect(image.tries[0]?.note).toMatch(/^only (?:one connection|[23] connections): it answers/);
});

if (isFullRun)
  test('the file changes in the middle: from zero, never mixed', async () => {
    let changed = false;
    lab.server.serve('/a.img', () =>
      changed ? { body: other, etag: '"2"' } : { ...limited, pieceBytes: 65_536 },
    );
    const onProgress = (p: { readonly bytes: number }): void => {
      changed ||= p.bytes > SIZE / 2 && seen('/a.img').requests.length > 2;
    };
    const image = await attempt({ onProgress }, { connections: 4 });
    const found = await bytesOf(image);
    // Connections that were open may bring the old version to its end, but nothing is made of both.
    expect(found.equals(body) || found.equals(other)).toBe(true);
  });

test('when the file changes during the download, the download starts again and a note says so', async () => {
  // Each answer brings a fraction only, so that the rest must be asked for again.
  let changed = false;
  lab.server.serve('/a.img', (n) => {
    if (changed) return { body: other, etag: '"2"' };
    return { ...limited, pieceBytes: 65_536, ...(n > 2 ? { cutAfter: MIB } : {}) };
  });
  const onProgress = (p: { readonly bytes: number }): void => {
    changed ||= p.bytes > SIZE / 3 && seen('/a.img').requests.length > 4;
  };
  const image = await attempt({ onProgress });
  expect((await bytesOf(image)).equals(other)).toBe(true);
  expect(image.sha256).toBe(sha256(other));
  expect(image.tries.at(-1)?.note).toContain('the file at the source changed');
});

test('over HTTP/2 too, where the server speaks nothing else', async () => {
  const certificate = selfSigned();
  const secure = await startImageServer({ ...certificate, http2: true });
  try {
    const versions = new Set<string>();
    secure.serve('/a.img', (_n, { httpVersion }) => {
      versions.add(httpVersion);
      return limited;
    });
    const http = { trust: fixedTrust([certificate.cert]) };
    const image = await attempt({ url: secure.url('/a.img') }, { http, connections: 6 });
    expect((await bytesOf(image)).equals(body)).toBe(true);
    expect([...versions]).toEqual(['2.0']);
    expect(secure.seen('/a.img').peak).toBeGreaterThan(2);
    expect(secure.seen('/a.img').peak).toBeLessThanOrEqual(6);
    expect(image.fetched).toBe(SIZE);
  } finally {
    await secure.close();
  }
});

if (isFullRun)
  test('a connection that trickles is ended, and others bring what it was to bring', async () => {
    lab.server.serve('/a.img', (n) => (n === 2 ? { body, pauseMs: 100, pieceBytes: 64 } : limited));
    const http = { minimumRate: 100_000, minimumRateMs: 1000 };
    const image = await attempt({}, { connections: 4, http });
    expect((await bytesOf(image)).equals(body)).toBe(true);
    expect(image.tries).toHaveLength(1);
    expect(image.tries[0]?.note).toContain('a connection broke: it sent only');
  });

test('one that is much slower than the others is replaced, rather than waited for in the end', async () => {
  let [sent, asked] = [0, 0];
  lab.server.serve('/a.img', (n, { headers }) => {
    if (n !== 2) return limited;
    const [, first = '', last = ''] = /(\d+)-(\d+)/.exec(headers.range ?? '') ?? [];
    asked = Number(last) + 1 - Number(first);
    // 40 kB/s: far too much for a source that is dead.
    return { body, pauseMs: 100, pieceBytes: 4096, hold: (bytes) => void (sent = bytes) };
  });
  const image = await attempt({}, { connections: 4, http: { minimumRate: 1000 } });
  expect((await bytesOf(image)).equals(body)).toBe(true);
  expect(sent).toBeLessThan(asked / 2);
  expect(seen('/a.img').bytes).toBeLessThanOrEqual(SIZE + SLACK);
}, 60_000);

describe('several mirrors', () => {
  const paths = ['/a.img', '/b.img', '/c.img'] as const;
  const mirrors = () => paths.map((path, at) => mirror(lab.server.url(path), at + 1));

  test('one that dies in the middle: others go on with what is missing', async () => {
    let dead = false;
    lab.server.serve('/a.img', () => (dead ? { status: 404 } : { ...limited, cutAfter: MIB }));
    lab.server.serve('/b.img', { ...limited, etag: '"b"' });
    lab.server.serve('/c.img', { ...limited, etag: '"c"' });
    const onProgress = (p: { readonly bytes: number }): void => {
      dead ||= p.bytes > SIZE / 4;
    };
    const image = await attempt({ mirrors: mirrors(), checksum, onProgress }, { connections: 3 });
    expect((await bytesOf(image)).equals(body)).toBe(true);
    const bytes = paths.reduce((sum, path) => sum + seen(path).bytes, 0);
    expect(bytes).toBeLessThanOrEqual(SIZE * 1.05 + SLACK);
    expect(seen('/b.img').bytes).toBeGreaterThan(0);
    const a = image.tries.filter(({ source }) => source.endsWith('/a.img'));
    expect(a.at(-1)?.failure).toMatchObject({ kind: 'NotFound' });
  });

  test('one that gives no ranges and dies in the middle is asked for its rest once, and left', async () => {
    lab.server.serve('/a.img', { body, cutAfter: 3 * MIB, ranges: false });
    lab.server.serve('/b.img', { body });
    const image = await attempt({ mirrors: mirrors().slice(0, 2), checksum });
    expect((await bytesOf(image)).equals(body)).toBe(true);
    expect(seen('/a.img').requests.length).toBeLessThanOrEqual(2);
    expect(seen('/b.img').bytes).toBeLessThanOrEqual(SIZE - 3 * MIB + SLACK);
    expect(image.tries.map(({ source, failure }) => [source, failure?.kind])).toEqual([
      [lab.server.url('/a.img'), 'ConnectionLost'],
      [lab.server.url('/b.img'), undefined],
    ]);
  });

  test('one gives its file only as a whole, and the others die: it is asked for the whole', async () => {
    lab.server.serve('/a.img', (n) => (n === 0 ? { ...limited, cutAfter: MIB } : { status: 404 }));
    lab.server.serve('/b.img', { body, ranges: false });
    lab.server.serve('/c.img', { status: 404 });
    const image = await attempt({ mirrors: mirrors(), checksum }, { connections: 1 });
    expect((await bytesOf(image)).equals(body)).toBe(true);
  });

  test('without a checksum their bytes are not mixed', async () => {
    lab.server.serve('/a.img', { ...limited, pieceBytes: 131_072, cutAfter: 3 * MIB, etag: null });
    lab.server.serve('/b.img', { ...limited, pieceBytes: 131_072 });
    const image = await attempt({ mirrors: mirrors().slice(0, 2) });
    expect((await bytesOf(image)).equals(body)).toBe(true);
    expect(seen('/b.img').bytes).toBeGreaterThanOrEqual(SIZE);
    expect(seen('/b.img').requests[0]).not.toHaveProperty('range');
  });

  if (isFullRun)
    test('of different sizes are distinguished before bytes are downloaded', async () => {
      lab.server.serve('/a.img', { body: rawDisk(SIZE - 512) });
      lab.server.serve('/b.img', { ...limited, pieceBytes: 262_144 });
      lab.server.serve('/c.img', { body: rawDisk(SIZE + 512), etag: '"c"' });
      const image = await attempt({ mirrors: mirrors(), checksum }, { connections: 1 });
      expect((await bytesOf(image)).equals(body)).toBe(true);
      expect(image.tries[0]).toMatchObject({ bytes: 0, failure: { kind: 'SizeMismatch' } });
      const c = image.tries.find(({ source }) => source.endsWith('/c.img'));
      expect(c?.bytes ?? 0).toBe(0);
    });

  test('one of them lies, and only a checksum of the whole is there: then each by itself', async () => {
    const lie = Buffer.from(body);
    lie[SIZE - 5] = (lie[SIZE - 5] ?? 0) ^ 1;
    lab.server.serve('/a.img', (n) => (n === 0 ? { body, cutAfter: 3 * MIB } : { body }));
    lab.server.serve('/b.img', { body: lie, etag: '"b"' });
    const image = await attempt({ mirrors: mirrors().slice(0, 2), checksum }, { connections: 1 });
    expect((await bytesOf(image)).equals(body)).toBe(true);
  });
});

async function stoppedAt(bytes: number, deps: Deps = {}): Promise<void> {
  const aborter = new AbortController();
  const onProgress = (p: { readonly bytes: number; readonly phase: string }): void => {
    if (p.phase === 'downloading' && p.bytes >= bytes) aborter.abort(new Error('stopped'));
  };
  await expect(attempt({ signal: aborter.signal, onProgress }, deps)).rejects.toThrow('stopped');
}

describe('attempts that are broken off', () => {
  const hosts = [
    ['by a copy', 'host-2'],
    ['in place', 'host-1'],
  ] as const;
  test.each(casesOfForm(hosts))(
    'bytes in several places of the part file are not fetched again (%s)',
    async (_name, hostId) => {
      lab.server.serve('/a.img', limited);
      await stoppedAt(SIZE / 3, { connections: 4 });
      await stoppedAt((SIZE * 2) / 3, { connections: 4 });
      const image = await attempt({}, { hostId, connections: 4 });
      expect((await bytesOf(image)).equals(body)).toBe(true);
      // Each cut costs what four connections had under way, which is far less than a checkpoint is by default.
      expect(seen('/a.img').bytes).toBeLessThanOrEqual(SIZE * 1.05 + 2 * 2 * SLACK);
      expect(image.fetched).toBeLessThanOrEqual(SIZE / 3 + SLACK);
    },
  );

  test.each(isFullRun ? [0.1, 0.3, 0.5, 0.7, 0.9] : [0.6])(
    'what a kill leaves at %p of the file is gone on with',
    async (share) => {
      lab.server.serve('/a.img', limited);
      const left = await openDownloadLab();
      let taken = 0;
      const aborter = new AbortController();
      const onProgress = (p: { readonly bytes: number; readonly phase: string }): void => {
        if (taken > 0 || p.phase !== 'downloading' || p.bytes < SIZE * share) return;
        taken = p.bytes;
        cpSync(join(lab.pool.config.path, PARTS_FOLDER), join(left.pool.config.path, PARTS_FOLDER), {
          recursive: true,
        });
        aborter.abort(new Error('killed'));
      };
      try {
        await expect(attempt({ onProgress, signal: aborter.signal })).rejects.toThrow('killed');
        const before = seen('/a.img').bytes;
        const image = await attempt({ pool: left.pool }, { ledger: openLedger(left.stateDir('host-1')) });
        expect((await bytesOf(image)).equals(body)).toBe(true);
        // What is on its way into the file may be lost with the process, and no more than a checkpoint of it.
        const lost = MIB;
        expect(image.fetched).toBeLessThanOrEqual(SIZE - taken + lost);
        expect(seen('/a.img').bytes - before).toBeLessThanOrEqual(image.fetched + SLACK);
      } finally {
        await left.close();
      }
    },
  );

  if (isFullRun)
    test('holes are not reported as downloaded bytes', async () => {
      lab.server.serve('/a.img', limited);
      await stoppedAt(SIZE / 2, { connections: 4 });
      const { parts = {} } = await reportPool(lab.pool);
      expect(parts[copyId]).toBeGreaterThanOrEqual(SIZE / 2 - MIB);
      expect(parts[copyId]).toBeLessThanOrEqual((SIZE * 3) / 4);
    });
});
