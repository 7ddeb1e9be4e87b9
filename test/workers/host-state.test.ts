import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKnownPools, lockStateDir, openStateDir } from '../../workers/host-state.ts';
import { StartError } from '../../workers/start-error.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-state-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the state folder', () => {
  test('is created with its parents, without access for other users; QEMU passes through the parents', async () => {
    const path = join(folder, 'a/b');
    await openStateDir(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'a'))).mode & 0o011).toBe(0o011);
  });

  test('loses the access of other users', async () => {
    const path = join(folder, 'open');
    await mkdir(path, { mode: 0o755 });
    await openStateDir(path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  test('is refused below a file, with the reason', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openStateDir(join(folder, 'file/state'))).rejects.toThrow(StartError);
  });
});

describe('the lock of the state folder', () => {
  test('belongs to one process until it is released', async () => {
    const lock = await lockStateDir(folder);
    await expect(lockStateDir(folder)).rejects.toThrow(
      `a host worker runs with the state folder ${folder} already (process ${process.pid})`,
    );
    await lock.release();
    await (await lockStateDir(folder)).release();
  });

  test('is released when its process is killed', async () => {
    const path = join(folder, 'lock');
    const holder = spawn('flock', ['-n', '-F', path, 'sh', '-c', 'echo locked; exec sleep 60']);
    await once(holder.stdout, 'data');
    await expect(lockStateDir(folder)).rejects.toThrow('already');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await lockStateDir(folder)).release();
  });
});

test('without the program flock, the error says what to install', async () => {
  await expect(lockStateDir(folder, join(folder, 'no-flock'))).rejects.toThrow(
    'the program flock is needed and cannot be run',
  );
  await (await lockStateDir(folder)).release();
});

describe('the known pools', () => {
  test('outlive the process', async () => {
    const known = await loadKnownPools(folder);
    expect(known.idOf('/srv/a')).toBeUndefined();
    await Promise.all([known.remember('/srv/a', 'id-a'), known.remember('/srv/b', 'id-b')]);
    const again = await loadKnownPools(folder);
    expect([again.idOf('/srv/a'), again.idOf('/srv/b')]).toEqual(['id-a', 'id-b']);
  });

  test.each(['{"v":1,"po', '{"v":1}', '{"v":1,"pools":{"/srv/a":7}}'])(
    "prevent the start when their file holds '%s', since an unmounted pool could be taken for a new one",
    async (json) => {
      await writeFile(join(folder, 'pools.json'), json);
      await expect(loadKnownPools(folder)).rejects.toThrow('pools.json is damaged');
      expect(await readFile(join(folder, 'pools.json'), 'utf8')).toBe(json);
    },
  );
});
