import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKnownPools, lockStateDir, openStateDir } from '../../workers/host-state.ts';
import { StartError } from '../../workers/runtime.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-state-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the state folder', () => {
  test('is made with its parents, and closed to others', async () => {
    const path = join(folder, 'a/b');
    await openStateDir(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  test('that is open to others is closed', async () => {
    const path = join(folder, 'open');
    await mkdir(path, { mode: 0o755 });
    await openStateDir(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  test('below a file cannot be used, and that is said', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openStateDir(join(folder, 'file/state'))).rejects.toThrow(StartError);
  });
});

describe('the lock', () => {
  test('is one process’s, until that gives it back', async () => {
    const lock = await lockStateDir(folder);
    await expect(lockStateDir(folder)).rejects.toThrow(
      `a host worker runs with the state folder ${folder} already (process ${process.pid})`,
    );
    await lock.release();
    await (await lockStateDir(folder)).release();
  });

  test('of a process that is killed is gone with it', async () => {
    const path = join(folder, 'lock');
    const holder = spawn('flock', ['-n', '-F', path, 'sh', '-c', 'echo locked; exec sleep 60']);
    await once(holder.stdout, 'data');
    await expect(lockStateDir(folder)).rejects.toThrow('already');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await lockStateDir(folder)).release();
  });
});

test('without the program that locks, that is said', async () => {
  await expect(lockStateDir(folder, join(folder, 'no-flock'))).rejects.toThrow(
    'the program flock is needed and cannot be run',
  );
  await (await lockStateDir(folder)).release();
});

describe('the pools that were seen', () => {
  test('are remembered beyond the process', async () => {
    const known = await loadKnownPools(folder);
    expect(known.idOf('/srv/a')).toBeUndefined();
    await Promise.all([known.remember('/srv/a', 'id-a'), known.remember('/srv/b', 'id-b')]);
    const again = await loadKnownPools(folder);
    expect([again.idOf('/srv/a'), again.idOf('/srv/b')]).toEqual(['id-a', 'id-b']);
  });

  test('in a damaged file stop the start: nobody may guess then what is mounted', async () => {
    await writeFile(join(folder, 'pools.json'), '{"v":1,"po');
    await expect(loadKnownPools(folder)).rejects.toThrow('pools.json is damaged');
    expect(await readFile(join(folder, 'pools.json'), 'utf8')).toBe('{"v":1,"po');
  });
});
