/** A pool that another program can write to: its files are never followed, waited for, believed or lost. */
import childProcess from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { download } from '../../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../../images/attempt/download.ts';
import { findParts, PARTS_FOLDER } from '../../../images/pools/files/part-file.ts';
import { removeCopy } from '../../../images/pools/files/remove.ts';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { rawDisk, sha256 } from '../../support/images.ts';

const MIB = 1_048_576;
const body = rawDisk(6 * MIB, 1);
const others = rawDisk(6 * MIB, 2);
let lab: DownloadLab;
let copyId: string;

beforeEach(async () => {
  lab = await openDownloadLab();
  copyId = randomUUID();
  lab.server.serve('/a.img', { body });
});
afterEach(() => lab.close());

type Deps = Parameters<DownloadLab['deps']>[0];
const run = (changes: Partial<DownloadRequest> = {}, deps: Deps = {}): Promise<DownloadedImage> =>
  download(
    lab.request({ url: lab.server.url('/a.img'), copyId, ...changes }),
    lab.deps({ checkpointBytes: MIB, ...deps }),
  );

const finalPath = (): string => join(lab.pool.config.path, copyId);
const partsFolder = (): string => join(lab.pool.config.path, PARTS_FOLDER);
const partNow = (): string =>
  join(partsFolder(), readdirSync(partsFolder()).find((name) => name.endsWith('.part')) ?? '');
const mkfifo = (path: string): void => void childProcess.execFileSync('mkfifo', [path]);
const isRight = async (): Promise<boolean> => (await readFile(finalPath())).equals(body);

const asides = async (): Promise<readonly string[]> =>
  (await lab.published()).filter((name) => name.startsWith(`${copyId}.set-aside.`));

/** Gives the part file another name, and its name to another file. */
function swapPart(): void {
  const part = partNow();
  renameSync(part, `${finalPath()}.theirs`);
  writeFileSync(part, others);
}

/** Bytes that this process has read so far, by the count of the kernel. */
const bytesRead = async (): Promise<number> =>
  Number(/^rchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);

/** Does something once, as soon as the download has come to a phase. */
function at(phase: string, act: () => void): Pick<DownloadRequest, 'onProgress'> {
  let done = false;
  return {
    onProgress(progress) {
      if (done || progress.phase !== phase) return;
      done = true;
      act();
    },
  };
}

/** Stops in the middle, with bytes on disk. */
async function stopped(deps: Deps = {}): Promise<void> {
  const aborter = new AbortController();
  lab.server.serve('/a.img', { body, stallAfter: 4 * MIB });
  const onProgress: DownloadRequest['onProgress'] = ({ bytes }) => {
    if (bytes >= 4 * MIB) aborter.abort(new Error('stopped'));
  };
  await expect(run({ signal: aborter.signal, onProgress }, deps)).rejects.toThrow('stopped');
  lab.server.serve('/a.img', { body });
}

describe('what is published is the file that was verified, when its temporary name', () => {
  const swaps: readonly [string, (part: string) => void][] = [
    ['becomes a link', (part) => symlinkSync('/etc/hostname', part)],
    ['becomes another file', (part) => writeFileSync(part, others)],
    ['becomes a FIFO', mkfifo],
    [
      'becomes a second name of another file',
      (part) => {
        writeFileSync(`${finalPath()}.theirs`, others);
        linkSync(`${finalPath()}.theirs`, part);
      },
    ],
  ];
  test.each(swaps)(
    '%s: nothing is published, the path is reported, and the next attempt has the right bytes',
    async (_, swap) => {
      let part = '';
      const swapped = run(
        at('publishing', () => {
          part = partNow();
          unlinkSync(part);
          swap(part);
        }),
      );
      await expect(swapped).rejects.toMatchObject({
        kind: 'DiskBroken',
        path: expect.stringContaining(copyId) as string,
        message: expect.stringContaining(part) as string,
      });
      expect(existsSync(finalPath())).toBe(false);
      expect(await run()).toMatchObject({ sha256: sha256(body) });
      expect(await isRight()).toBe(true);
      expect(await lab.parts()).toEqual([]);
    },
  );

  test('was given to another file, and the verified one another name: that one is', async () => {
    expect(await run(at('verifying', swapPart))).toMatchObject({ sha256: sha256(body), size: body.length });
    expect(await isRight()).toBe(true);
  });

  test('is all that it can be linked by', async () => {
    const real = childProcess.spawn;
    const modules = jest.requireActual<{ spawn: unknown }>('node:child_process');
    modules.spawn = () => real('false');
    try {
      await run();
      copyId = randomUUID();
      const swapped = run(at('publishing', () => renameSync(partNow(), `${finalPath()}.theirs`)));
      await expect(swapped).rejects.toMatchObject({ kind: 'HostGone' });
      expect(existsSync(finalPath())).toBe(false);
    } finally {
      modules.spawn = real;
    }
  });

  test('was given to another file while the host was dead: its bytes are not gone on from', async () => {
    await stopped();
    swapPart();
    expect(await run()).toMatchObject({ fetched: body.length, sha256: sha256(body) });
  });
});

describe('a file that has the final name and is not known', () => {
  test.each(['downloading', 'publishing'])('is moved aside when it comes while %s', async (phase) => {
    const image = await run(at(phase, () => writeFileSync(finalPath(), others)));
    expect(image).toMatchObject({ sha256: sha256(body), size: body.length, fetched: body.length });
    expect(await isRight()).toBe(true);
    const [aside = ''] = await asides();
    expect((await readFile(join(lab.pool.config.path, aside))).equals(others)).toBe(true);
    const foreign = [{ path: finalPath(), movedTo: join(lab.pool.config.path, aside) }];
    expect(image.tries).toEqual([expect.objectContaining({ bytes: body.length, foreign })]);
  });

  test('is moved aside when it was there before, whatever the checksum', async () => {
    for (const checksum of [undefined, `{SHA-256}${sha256(body)}`]) {
      copyId = randomUUID();
      await writeFile(finalPath(), others);
      expect(await run({ checksum })).toMatchObject({ sha256: sha256(body), fetched: body.length });
      expect(await isRight()).toBe(true);
      expect(await asides()).toHaveLength(1);
    }
  });

  test('is believed when it has the registered checksum', async () => {
    await writeFile(finalPath(), body);
    const checksum = `{MD5}${childProcess.execFileSync('md5sum', [finalPath()]).toString().slice(0, 32)}`;
    expect(await run({ checksum })).toMatchObject({ fetched: 0, sha256: sha256(body), tries: [] });
  });

  test('is not believed for the checksum of what is no image', async () => {
    const page = Buffer.from('<!DOCTYPE html><title>no image</title>');
    await writeFile(finalPath(), page);
    lab.server.serve('/a.img', { body: page });
    const failure = run({ checksum: `{SHA-256}${sha256(page)}` });
    await expect(failure).rejects.toMatchObject({ kind: 'FormatMismatch', url: lab.server.url('/a.img') });
  });

  test('is believed when this host published it and could not say so', async () => {
    await run();
    expect(await run()).toMatchObject({ fetched: 0, sha256: sha256(body) });
    await writeFile(finalPath(), others);
    expect(await run()).toMatchObject({ fetched: body.length, sha256: sha256(body) });
    expect(await isRight()).toBe(true);
  });
});

describe('a foreign file in the folder of part files', () => {
  test('a record longer than any is not read', async () => {
    await stopped();
    const record = partNow().replace(/part$/, 'json');
    expect((await findParts(lab.pool, copyId))[0]?.checkpoint).toMatchObject({ v: 1 });
    await writeFile(record, `${await readFile(record, 'utf8')}${' '.repeat(2 * MIB)}`);
    expect((await findParts(lab.pool, copyId))[0]?.checkpoint).toBeUndefined();
    await truncate(record, 300 * MIB);
    expect((await findParts(lab.pool, copyId))[0]?.checkpoint).toBeUndefined();
    expect(await run()).toMatchObject({ fetched: body.length });
  });

  test('records of 300 MiB are not read, however many there are', async () => {
    await mkdir(partsFolder());
    for (let n = 0; n < 6; n += 1) {
      const part = join(partsFolder(), `${copyId}.${randomUUID()}.part`);
      await writeFile(part, '');
      await writeFile(part.replace(/part$/, 'json'), '');
      await truncate(part.replace(/part$/, 'json'), 300 * MIB);
    }
    const before = await bytesRead();
    const found = await findParts(lab.pool, copyId);
    expect(found.map(({ checkpoint }) => checkpoint)).toEqual(Array(6).fill(undefined));
    expect((await bytesRead()) - before).toBeLessThan(16 * MIB);
  });

  test('a record of more spans than are written is not read', async () => {
    await stopped();
    const record = partNow().replace(/part$/, 'json');
    const beyond = Array.from({ length: 1000 }, (_, n) => [5 * MIB + 4 * n, 5 * MIB + 4 * n + 2]);
    const known = JSON.parse(await readFile(record, 'utf8')) as object;
    await writeFile(record, JSON.stringify({ ...known, beyond }));
    expect((await findParts(lab.pool, copyId))[0]?.checkpoint).toBeUndefined();
  });

  test('FIFOs, links and folders under its names hold nobody up, and are not followed', async () => {
    const attemptId = randomUUID();
    const secret = join(mkdtempSync(join(tmpdir(), 'bypass-elsewhere-')), 'secret');
    await writeFile(secret, 'not to be touched');
    await mkdir(partsFolder());
    const name = (id: string, extension: string): string =>
      join(partsFolder(), `${copyId}.${id}.${extension}`);
    for (const extension of ['json', 'json.new']) mkfifo(name(attemptId, extension));
    const before = randomUUID();
    mkfifo(name(before, 'part'));
    mkfifo(name(before, 'json'));
    await symlink(secret, name(randomUUID(), 'part'));
    await symlink(secret, name(randomUUID(), 'json'));
    await mkdir(name(randomUUID(), 'part'));
    expect(await run({ attemptId })).toMatchObject({ fetched: body.length });
    expect(await isRight()).toBe(true);
    expect(await readFile(secret, 'utf8')).toBe('not to be touched');
    expect(await lab.parts()).toHaveLength(1);
  });

  test('is nothing to a host when the folder itself is a link', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'bypass-elsewhere-'));
    const victim = join(elsewhere, `${copyId}.${randomUUID()}.part`);
    await writeFile(victim, 'victim');
    await symlink(elsewhere, partsFolder());
    const refused = { kind: 'DiskBroken', path: partsFolder() };
    await expect(run()).rejects.toMatchObject(refused);
    await expect(removeCopy(lab.pool, copyId)).rejects.toMatchObject(refused);
    expect(await readdir(elsewhere)).toHaveLength(1);
    expect(readFileSync(victim, 'utf8')).toBe('victim');
    rmSync(elsewhere, { recursive: true });
  });

  test('is not written in place for a record that says so: only a file that this host made is', async () => {
    await stopped({ hostId: 'host-2' });
    const part = partNow();
    const { ino } = await stat(part);
    const record = part.replace(/part$/, 'json');
    await writeFile(record, (await readFile(record, 'utf8')).replace('host-2', 'host-1'));
    const image = await run();
    expect(image.fetched).toBeLessThan(body.length);
    expect((await stat(image.localPath)).ino).not.toBe(ino);
    expect(await isRight()).toBe(true);
  });
});
