import { randomUUID } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { download } from '../../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../../images/attempt/download.ts';
import { openLedger } from '../../../images/pools/ledger.ts';
import { createCopyRegistry } from '../../../images/spread/copy-registry.ts';
import type { CopyRegistry } from '../../../images/spread/copy-registry.ts';
import type { ServedPart } from '../../../images/spread/open-copies.ts';
import { PartGone } from '../../../images/spread/shared-part.ts';
import { lineageOfImage } from '../../../model/spread.ts';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { deferred } from '../../support/deferred.ts';
import { rawDisk, sha256 } from '../../support/images.ts';

const MIB = 1_048_576;
const SIZE = 4 * MIB;
const body = rawDisk(SIZE);
const { signal } = new AbortController();
let lab: DownloadLab;
let copyId: string;
let copies: CopyRegistry;

beforeEach(async () => {
  lab = await openDownloadLab();
  copyId = randomUUID();
  copies = createCopyRegistry({ pools: async () => [lab.pool], ledger: openLedger(lab.stateDir('host-1')) });
});
afterEach(() => lab.close());

const attempt = (changes: Partial<DownloadRequest> = {}): Promise<DownloadedImage> =>
  download(lab.request({ url: lab.server.url('/a.img'), copyId, ...changes }), lab.deps({ copies }));

const servedPart = (): Promise<ServedPart> =>
  copies.until(copyId, async () => copies.part(copyId), AbortSignal.timeout(20_000));

async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test('a part is read while it grows, and on over its publication, under one lineage', async () => {
  const middle = deferred();
  lab.server.serve('/a.img', { body, hold: (sent) => (sent >= MIB ? middle.promise : undefined) });
  const done = attempt();
  const part = await servedPart();
  expect(part).toMatchObject({
    total: SIZE,
    origin: { url: lab.server.url('/a.img'), finalUrl: lab.server.url('/a.img'), etag: '"1"', total: SIZE },
  });
  const reader = part.read({ first: 100, end: SIZE }, signal);
  const first = (await reader.next()).value as Buffer;
  middle.resolve();
  const image = await done;
  const rest = await bytesOf(reader);
  expect(Buffer.concat([first, rest]).equals(body.subarray(100))).toBe(true);
  expect(image.lineage).toBe(part.lineage);
  expect(copies.part(copyId)).toBeUndefined();
  const published = await copies.published(copyId);
  await published?.file.close();
  expect(published).toMatchObject({ lineage: part.lineage, sha256: sha256(body), origin: part.origin });
});

test('an attempt that begins anew ends its readers, and is another lineage', async () => {
  const [cut, end, other] = [deferred(), deferred(), rawDisk(SIZE, 2)];
  lab.server.serve('/a.img', (n) =>
    n === 0
      ? { body, cutAfter: 2 * MIB, hold: (sent) => (sent >= 2 * MIB ? cut.promise : undefined) }
      : { body: other, etag: '"2"', hold: (sent) => (sent >= MIB ? end.promise : undefined) },
  );
  const done = attempt();
  const part = await servedPart();
  const read = bytesOf(part.read({ first: 0, end: SIZE }, signal));
  read.catch(() => undefined);
  cut.resolve();
  await expect(read).rejects.toThrow(PartGone);
  const next = await servedPart();
  expect(next.lineage).not.toBe(part.lineage);
  end.resolve();
  expect(await done).toMatchObject({ sha256: sha256(other), lineage: next.lineage });
});

test('an interrupted attempt ends its readers, and the next one goes on with the lineage', async () => {
  lab.server.serve('/a.img', (n) => (n === 0 ? { body, stallAfter: 2 * MIB } : { body }));
  const stop = new AbortController();
  const done = attempt({ signal: stop.signal });
  const part = await servedPart();
  const read = bytesOf(part.read({ first: 0, end: SIZE }, signal));
  read.catch(() => undefined);
  stop.abort(new Error('stopped'));
  await expect(done).rejects.toThrow('stopped');
  await expect(read).rejects.toThrow(PartGone);
  expect(await attempt()).toMatchObject({ lineage: part.lineage, sha256: sha256(body) });
});

test('a packed part is not served; its unpacked image is, as no origin has it', async () => {
  const end = deferred();
  const packed = gzipSync(body, { level: 1 });
  lab.server.serve('/a.img', {
    body: packed,
    hold: (sent) => (sent >= packed.length - MIB ? end.promise : undefined),
  });
  let grown = false;
  const done = attempt({ onProgress: ({ bytes }) => void (grown ||= bytes > MIB) });
  await copies.until(copyId, async () => grown || undefined, AbortSignal.timeout(20_000));
  expect(copies.part(copyId)).toBeUndefined();
  end.resolve();
  const image = await done;
  const published = await copies.published(copyId);
  await published?.file.close();
  expect(published).toEqual({
    sha256: sha256(body),
    total: SIZE,
    lineage: lineageOfImage(sha256(body)),
    file: expect.anything(),
  });
  expect(image.lineage).toBe(published?.lineage);
});

test('what this host has not published, or what has another length, is not served', async () => {
  expect(await copies.published(randomUUID())).toBeUndefined();
  expect(await copies.published('../etc/passwd')).toBeUndefined();
  lab.server.serve('/a.img', { body });
  const { localPath } = await attempt();
  await truncate(localPath, MIB);
  expect(await copies.published(copyId)).toBeUndefined();
});
