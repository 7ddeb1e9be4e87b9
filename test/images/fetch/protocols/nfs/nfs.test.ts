import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { download } from '../../../../../images/attempt/download.ts';
import { BUDGETS } from '../../../../../images/fetch/network/budgets.ts';
import { createNfsSource } from '../../../../../images/fetch/protocols/nfs/nfs.ts';
import type { NfsOptions } from '../../../../../images/fetch/protocols/nfs/nfs.ts';
import { startProgram } from '../../../../../images/fetch/protocols/nfs/program-stream.ts';
import type { OpenedSource } from '../../../../../images/fetch/protocol.ts';
import { ImageError } from '../../../../../model/failures.ts';
import { mirror, openDownloadLab } from '../../../../labs/download.ts';
import type { DownloadLab } from '../../../../labs/download.ts';
import { noise, rawDisk, sha256 } from '../../../../support/images.ts';
import { onLoopback } from '../../../../support/loopback.ts';
import { needingNfsServer, startNfsServer } from '../../../../support/nfs-server.ts';
import type { NfsServer } from '../../../../support/nfs-server.ts';

const MIB = 1_048_576;
const body = noise(3 * MIB + 5);
const disk = rawDisk(2 * MIB);
const signal = new AbortController().signal;
const open = (url: string, options: NfsOptions = {}): Promise<OpenedSource> =>
  createNfsSource({ ...onLoopback, ...options }).open({ url, signal });

async function readAll(stream: OpenedSource['body']): Promise<Buffer> {
  const batches: Buffer[] = [];
  for await (const batch of stream) batches.push(...batch);
  return Buffer.concat(batches);
}
const read = (source: OpenedSource): Promise<Buffer> => readAll(source.body);

describe('without the programs', () => {
  test('it is said which one this host lacks', async () => {
    const nfsPrograms = { cat: '/none/nfs-cat', ls: '/none/nfs-ls' };
    await expect(open('nfs://127.0.0.1/a', { nfsPrograms })).rejects.toMatchObject({
      kind: 'ProgramMissing',
      message: '/none/nfs-ls is not installed on this host',
    });
  });

  test('they get nothing of the environment, and as root they run as nobody', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bypass-nfs-'));
    const program = join(folder, 'nfs-program');
    try {
      await chmod(folder, 0o755);
      await writeFile(program, '#!/bin/sh\nenv >&2\necho "uid $(id -u) in $PWD" >&2\nexit 1\n', {
        mode: 0o755,
      });
      process.env['BYPASS_INVITE'] = 'planted';
      const stream = startProgram(program, [], {
        budgets: BUDGETS,
        signal,
        explain: (said) => new ImageError('ProtocolError', said),
      });
      const error = await readAll(stream.body).catch((thrown: unknown) => thrown as Error);
      expect((error as Error).message).not.toMatch(/planted/);
      expect((error as Error).message).toMatch(
        process.getuid?.() === 0 ? /^uid 65534 in \/$/m : new RegExp(`^uid ${process.getuid?.()} in /$`, 'm'),
      );
    } finally {
      delete process.env['BYPASS_INVITE'];
      await rm(folder, { recursive: true });
    }
  });

  test('an address that is not allowed is refused before any is run', async () => {
    const nfsPrograms = { cat: '/none/nfs-cat', ls: '/none/nfs-ls' };
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', 'localhost', '[::1]']) {
      await expect(open(`nfs://${host}/a`, { nfsPrograms, policy: {} })).rejects.toMatchObject({
        kind: 'NotAllowed',
      });
    }
  });

  test('what is no NFS URL of ours is refused here too', async () => {
    await expect(open('nfs://h/$(id)')).rejects.toMatchObject({ kind: 'Unsupported' });
  });
});

needingNfsServer()('a file over NFS', () => {
  let server: NfsServer;
  beforeAll(async () => {
    server = await startNfsServer(async (folder) => {
      await writeFile(join(folder, 'a.img'), body);
      await writeFile(join(folder, 'disk.img'), disk);
      await mkdir(join(folder, 'sub'));
      await symlink('a.img', join(folder, 'link.img'));
    });
  });
  afterAll(() => server.close());

  test('is probed: its first bytes and its size', async () => {
    const found = await createNfsSource(onLoopback).probe({ url: server.url('a.img'), signal });
    expect(found).toMatchObject({ total: body.length, ranges: false, etag: undefined });
    expect(found.head.equals(body.subarray(0, 65_536))).toBe(true);
  });

  test('arrives as it is, from the beginning only', async () => {
    const resume = { offset: 5, etag: '"1"', total: body.length };
    const reasons: string[] = [];
    const onRestart = (reason: string): void => void reasons.push(reason);
    const source = await createNfsSource(onLoopback).open({
      url: server.url('a.img'),
      signal,
      resume,
      onRestart,
    });
    expect(source.offset).toBe(0);
    expect(reasons).toEqual(['files on NFS are read from the beginning only']);
    expect((await read(source)).equals(body)).toBe(true);
  });

  test.each([
    ['none.img', 'NotFound', 'is not there'],
    ['none/a.img', 'NotFound', 'is not there'],
    ['sub', 'NotFound', 'is a folder; name the file itself'],
    ['link.img', 'NotFound', 'is no regular file'],
    ['a.img/x', 'NotFound', 'is a folder, or lies in what is none'],
  ])('%s: %s, it %s', async (name, kind, message) => {
    await expect(open(server.url(name))).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(message) as string,
      url: server.url(name),
    });
  });

  test('whose server does not run', async () => {
    await expect(open('nfs://127.0.0.1:82/exp/a.img')).rejects.toMatchObject({ kind: 'Unreachable' });
  });

  test('whose server does not answer is given up, and so is one that is no longer wanted', async () => {
    server.freeze();
    try {
      await expect(open(server.url('a.img'), { connectMs: 50, headersMs: 50 })).rejects.toMatchObject({
        kind: 'Stalled',
        message: 'did not answer within 0.1 s (limits for connecting and headers)',
      });
      const aborter = new AbortController();
      const opening = createNfsSource(onLoopback).open({ url: server.url('a.img'), signal: aborter.signal });
      setImmediate(() => aborter.abort(new Error('stopped')));
      await expect(opening).rejects.toThrow('stopped');
    } finally {
      server.thaw();
    }
  });

  describe('is downloaded', () => {
    let lab: DownloadLab;
    beforeEach(async () => {
      lab = await openDownloadLab();
    });
    afterEach(() => lab.close());

    test('like any other, and one mirror may be on NFS', async () => {
      const image = await download(lab.request({ url: server.url('disk.img') }), lab.deps());
      expect(image.sha256).toBe(sha256(disk));
      expect((await readFile(image.localPath)).equals(disk)).toBe(true);
      lab.server.serve('/gone', { status: 404 });
      const mirrors = [mirror(lab.server.url('/gone'), 1), mirror(server.url('disk.img'), 2)];
      const other = await download(lab.request({ url: lab.server.url('/gone'), mirrors }), lab.deps());
      expect(other.tries.map(({ failure }) => failure?.kind)).toEqual(['NotFound', undefined]);
      expect(await lab.parts()).toEqual([]);
    });

    test('not when it is another one than was registered', async () => {
      const request = lab.request({ url: server.url('disk.img'), size: MIB });
      await expect(download(request, lab.deps())).rejects.toMatchObject({ kind: 'SizeMismatch' });
      expect(await lab.published()).toEqual([]);
      expect(await lab.parts()).toEqual([]);
    });
  });
});
