/** What was interrupted while it was unpacked: packed bytes are never fetched again, and unpacked ones made anew. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { download } from '../../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../../images/attempt/download.ts';
import { PARTS_FOLDER } from '../../../images/pools/files/part-file.ts';
import { reportPool } from '../../../images/pools/files/report.ts';
import { removeCopy } from '../../../images/pools/files/remove.ts';
import type { Progress } from '../../../model/progress.ts';
import { PROJECT_ROOT } from '../../../platform/installation.ts';
import { ensureBuilt } from '../../support/ensure-built.ts';
import { mirror } from '../../labs/download.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { onLoopback } from '../../support/loopback.ts';
import { packed } from '../../support/packed-files.ts';
import { isFullRun } from '../../support/programs.ts';
import { openUnpackLab } from '../../labs/unpack.ts';
import type { UnpackLab } from '../../labs/unpack.ts';

const MIB = 1_048_576;
const disk = rawDisk(8 * MIB);
const changed = rawDisk(8 * MIB, 7);
let body: Buffer;
let slow: Buffer;
let lab: UnpackLab;
let copyId: string;
beforeAll(async () => {
  // Packing takes most of the time with xz.
  body = await packed(isFullRun ? 'xz' : 'zstd', disk);
  slow = await packed('bzip2', rawDisk(12 * MIB));
});
beforeEach(async () => {
  lab = await openUnpackLab();
  copyId = randomUUID();
});
afterEach(() => lab.close());

const attempt = (
  changes: Partial<DownloadRequest> = {},
  deps: Parameters<UnpackLab['deps']>[0] = {},
): Promise<DownloadedImage> =>
  download(
    lab.request({ url: lab.server.url('/a'), copyId, ...changes }),
    lab.deps({ checkpointBytes: MIB, ...deps }),
  );

async function abortedAt(reached: (progress: Progress) => boolean): Promise<void> {
  const aborter = new AbortController();
  const onProgress = (progress: Progress): void => {
    if (reached(progress)) aborter.abort(new Error('stopped'));
  };
  await expect(attempt({ signal: aborter.signal, onProgress })).rejects.toThrow('stopped');
  await lab.expectNothing();
}

/** The names without the ids. */
const kinds = async (): Promise<readonly string[]> =>
  (await lab.parts()).map((name) => name.replace(/^.*?\./, '').replace(/^.*?\./, '')).toSorted();

test('a download stopped in the middle fetches only the rest and unpacks the whole file', async () => {
  lab.server.serve('/a', (n) => (n === 0 ? { body, stallAfter: 5 * MIB } : { body }));
  await abortedAt(({ bytes }) => bytes >= 5 * MIB);
  expect(await kinds()).toEqual(['json', 'part']);
  const image = await attempt();
  expect(image).toMatchObject({ fetched: body.length - 5 * MIB, transferred: body.length });
  await lab.expectImage(image, disk);
});

if (isFullRun)
  test('another host fetches only the rest and unpacks the whole file', async () => {
    lab.server.serve('/a', (n) => (n === 0 ? { body, stallAfter: 5 * MIB } : { body }));
    await abortedAt(({ bytes }) => bytes >= 5 * MIB);
    const image = await attempt({}, { hostId: 'host-2' });
    expect(image.fetched).toBe(body.length - 5 * MIB);
    await lab.expectImage(image, disk);
  });

test('an attempt stopped while only unpacking remained fetches nothing', async () => {
  lab.server.serve('/a', { body: slow });
  const seen: Progress[] = [];
  await abortedAt((progress) => {
    seen.push(progress);
    return progress.phase === 'inflating';
  });
  expect(seen.at(-1)).toMatchObject({ phase: 'inflating', total: slow.length });
  expect(seen.at(-1)?.bytes).toBeLessThan(slow.length);
  const image = await attempt();
  expect(image).toMatchObject({ fetched: 0, size: 12 * MIB });
  expect(lab.server.seen('/a').requests).toHaveLength(1);
});

if (isFullRun)
  test('a cut connection is resumed within the attempt', async () => {
    lab.server.serve('/a', () => ({ body, cutAfter: 3 * MIB }));
    const image = await attempt();
    expect(image.fetched).toBe(body.length);
    expect(image.tries).toHaveLength(3);
    await lab.expectImage(image, disk);
  });

test('a file that changes in the middle is unpacked again from its beginning', async () => {
  const other = await packed('zstd', changed);
  lab.server.serve('/a', (n) => (n === 0 ? { body, cutAfter: 4 * MIB } : { body: other, etag: '"2"' }));
  const image = await attempt();
  expect(image.tries.at(-1)?.note).toBe('the file at the source changed');
  await lab.expectImage(image, changed);
});

test('a mirror with damaged content is left at once for another one', async () => {
  const bad = Buffer.from(await packed('zstd', disk));
  bad.fill(0xff, MIB, MIB + 200_000);
  lab.server.serve('/bad', { body: bad, pauseMs: 20 });
  lab.server.serve('/a', { body });
  const mirrors = [mirror(lab.server.url('/bad'), 1), mirror(lab.server.url('/a'), 2)];
  const image = await attempt({ mirrors });
  expect(image.tries[0]).toMatchObject({ failure: { kind: 'DamagedArchive' } });
  expect(image.tries[0]?.bytes).toBeLessThan(bad.length);
  await lab.expectImage(image, disk);
});

if (isFullRun)
  test('the unpacked file of a dead attempt is reported with the copy, never used, and removed', async () => {
    lab.server.serve('/a', (n) => (n === 0 ? { body, stallAfter: 5 * MIB } : { body }));
    await abortedAt(({ bytes }) => bytes >= 5 * MIB);
    const left = (id: string): string =>
      join(lab.pool.config.path, PARTS_FOLDER, `${id}.${randomUUID()}.inflated`);
    await writeFile(left(copyId), Buffer.alloc(8 * MIB, 1));
    const { parts } = await reportPool(lab.pool);
    expect(parts?.[copyId]).toBe(13 * MIB);
    await lab.expectImage(await attempt(), disk);

    const other = randomUUID();
    await writeFile(left(other), 'x');
    expect(await removeCopy(lab.pool, other)).toBe(1);
    expect(await lab.parts()).toEqual([]);
  });

if (isFullRun)
  test('two simultaneous attempts end in one image that nothing writes to', async () => {
    lab.server.serve('/a', { body, pauseMs: 1 });
    const both = await Promise.allSettled([attempt(), attempt({}, { hostId: 'host-2' })]);
    expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await lab.published()).toEqual([copyId]);
    const path = join(lab.pool.config.path, copyId);
    expect((await readFile(path)).equals(disk)).toBe(true);
    expect((await stat(path)).nlink).toBe(1);
  });

/** A host worker's download in a process of its own, killed without warning. */
async function killedAt(reached: (progress: Progress) => boolean): Promise<Progress> {
  await ensureBuilt();
  const dist = join(PROJECT_ROOT, 'dist', 'images');
  const code = `
    import { download } from ${JSON.stringify(join(dist, 'attempt', 'download.js'))};
    import { openLedger } from ${JSON.stringify(join(dist, 'pools', 'ledger.js'))};
    import { openPool } from ${JSON.stringify(join(dist, 'pools', 'kinds.js'))};
    import { createRateLimit } from ${JSON.stringify(join(dist, 'fetch', 'rate-limit.js'))};
    import { createSources } from ${JSON.stringify(join(dist, 'fetch', 'sources.js'))};
    const { pool, state, ...request } = JSON.parse(process.argv[1]);
    await download(
      { ...request, pool: await openPool(pool), mirrors: [], size: 0, signal: new AbortController().signal,
        onProgress: (progress) => console.log(JSON.stringify(progress)) },
      { sources: createSources(${JSON.stringify(onLoopback)}), hostId: 'host-1', openParts: new Set(), ledger: openLedger(state), rateLimit: createRateLimit(),
        checkpointBytes: ${MIB} });`;
  const request = { url: lab.server.url('/a'), copyId, attemptId: randomUUID(), format: 'RAW' };
  const given = JSON.stringify({ ...request, pool: lab.pool.config, state: lab.stateDir('host-1') });
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  let last: Progress | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    last = JSON.parse(line) as Progress;
    if (reached(last)) child.kill('SIGKILL');
  }
  expect(await gone).toEqual([null, 'SIGKILL']);
  return last as Progress;
}

test('after kill -9 during the transfer, at most the last checkpoint is fetched again', async () => {
  lab.server.serve('/a', (n) => (n === 0 ? { body, pauseMs: 3 } : { body }));
  const { bytes } = await killedAt((progress) => progress.bytes >= 5 * MIB);
  expect(await kinds()).toEqual(['inflated', 'json', 'part']);
  const image = await attempt();
  expect(image.fetched).toBeLessThanOrEqual(body.length - bytes + 3 * MIB);
  expect(image.fetched).toBeGreaterThan(0);
  await lab.expectImage(image, disk);
});

test('after kill -9 during unpacking, nothing is fetched again', async () => {
  lab.server.serve('/a', { body: slow });
  await killedAt(({ phase }) => phase === 'inflating');
  expect(await kinds()).toEqual(['inflated', 'json', 'part']);
  const image = await attempt();
  expect(image).toMatchObject({ fetched: 0, transferred: slow.length, sha256: sha256(rawDisk(12 * MIB)) });
  expect(lab.server.seen('/a').requests).toHaveLength(1);
  expect(await lab.parts()).toEqual([]);
});
