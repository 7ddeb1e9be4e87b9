import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../cli/client.ts';
import { createMasterKey, loadMasterKey } from '../../trust/master-key.ts';
import { verifyPassword } from '../../trust/passwords.ts';
import { areKeysOf, createAdmin } from '../../db/accounts/accounts.ts';
import { rulesOfHost } from '../../db/hosts/rules.ts';
import { run as createAdminByCommand } from '../../workers/admin.ts';
import { runApi } from '../../workers/api.ts';
import { createLogger } from '../../workers/log.ts';
import { readSettings } from '../../workers/settings.ts';
import type { Flags } from '../../workers/settings.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { testTemporal } from '../support/temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';

let database: TestDatabase;
let temporal: TestTemporal;
let folder: string;
let given: Flags;

beforeAll(async () => {
  database = await freshDatabase();
  temporal = await testTemporal();
  folder = await mkdtemp(join(tmpdir(), 'bypass-api-'));
  const masterKeyFile = join(folder, 'master.key');
  await createMasterKey(masterKeyFile);
  given = {
    databaseUrl: database.url,
    masterKeyFile,
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
    apiPort: '0',
    logLevel: 'silent',
  };
});
afterAll(async () => {
  await temporal.close();
  await database.close();
  await rm(folder, { recursive: true });
});

interface Running {
  readonly origin: string;
  stop(): Promise<void>;
}

const settingsOf = (changes: Flags = {}) => readSettings({ ...given, ...changes }, {});

async function start(changes: Flags = {}): Promise<Running> {
  let stop: (() => void) | undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  let ended: Promise<void> | undefined;
  const port = await new Promise<number>((onListening, reject) => {
    ended = runApi({
      settings: settingsOf(changes),
      logger: createLogger('silent', 'api'),
      stop: stopped,
      onListening,
    });
    ended.catch(reject);
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      stop?.();
      await ended;
    },
  };
}

describe('the api as a process', () => {
  test('answers signed calls over HTTP, reports that it is ready, and stops in order', async () => {
    const masterKey = await loadMasterKey(given.masterKeyFile ?? '');
    const { apiKey, secretKey } = await createAdmin(database.db, masterKey, { username: 'http' });
    const api = await start({
      temporalUiUrl: 'http://127.0.0.1:8233',
      publicUrl: 'https://bypass.example.org, http://[fd00::1]:8443/',
    });
    try {
      // The endpoints that no URL of an image may lead to.
      expect((await rulesOfHost(database.db, randomUUID())).endpoints).toEqual(
        [
          new URL(api.origin).host,
          new URL(database.url).host,
          temporal.address,
          '127.0.0.1:8233',
          'bypass.example.org:443',
          '[fd00::1]:8443',
        ].toSorted(),
      );
      const ready = await fetch(`${api.origin}/readyz`);
      expect([ready.status, await ready.text()]).toEqual([200, 'ready\n']);
      expect(await (await fetch(api.origin)).text()).toContain('<title>Bypass</title>');
      const client = createClient({ url: `${api.origin}/client/api`, origin: 'the test', apiKey, secretKey });
      expect(await client.list('listOsTypes', 'ostype')).toHaveLength(225);
      const wrong = createClient({
        url: `${api.origin}/client/api`,
        origin: 'the test',
        apiKey,
        secretKey: 'x',
      });
      await expect(wrong.list('listZones', 'zone')).rejects.toThrow('unable to verify user credentials');
    } finally {
      await api.stop();
    }
    await expect(fetch(api.origin)).rejects.toThrow('fetch failed');
    expect((await rulesOfHost(database.db, randomUUID())).endpoints).toEqual([]);
  });

  test('is not ready without its database', async () => {
    const other = await freshDatabase();
    const api = await start({ databaseUrl: other.url });
    try {
      await other.close();
      const { status } = await fetch(`${api.origin}/readyz`);
      expect(status).toBe(503);
      expect((await fetch(`${api.origin}/healthz`)).status).toBe(200);
    } finally {
      await api.stop();
    }
  });

  test.each<[string, () => Flags, string]>([
    ['a database', () => ({ databaseUrl: '' }), '--database-url (or BYPASS_DATABASE_URL) is missing'],
    [
      'a database that answers',
      () => ({ databaseUrl: 'postgres://someone:secret@127.0.0.1:1/none' }),
      'PostgreSQL does not answer at 127.0.0.1:1/none',
    ],
    ['a master key', () => ({ masterKeyFile: join(folder, 'none') }), 'there is no master key at'],
    ['Temporal', () => ({ temporalAddress: '127.0.0.1:1' }), 'Temporal does not answer at 127.0.0.1:1'],
    ['its namespace', () => ({ temporalNamespace: 'nowhere' }), "has no namespace 'nowhere'"],
    ['a good public URL', () => ({ publicUrl: 'bypass.example.org' }), 'which is no URL such as'],
    [
      'an address of this machine',
      () => ({ apiAddress: '192.0.2.1' }),
      'this machine has no address 192.0.2.1',
    ],
  ])('refuses to start without %s, with the reason', async (_what, changes, sentence) => {
    const failed = start(changes());
    await expect(failed).rejects.toThrow(sentence);
    await expect(failed).rejects.not.toThrow('secret@');
  });

  test('refuses to start on a port that is taken, with the reason', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(start({ apiPort: String(port) })).rejects.toThrow(
      `another program listens on 127.0.0.1:${port}: choose another --port`,
    );
    server.close();
  });
});

describe('the first administrator', () => {
  test('is created by `bypass admin create`, which also creates the master key and prints the keys once', async () => {
    const masterKeyFile = join(folder, 'new.key');
    const written: string[] = [];
    const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    try {
      await createAdminByCommand(settingsOf({ masterKeyFile }), { name: 'carol' });
      await expect(createAdminByCommand(settingsOf({ masterKeyFile }), { name: 'carol' })).rejects.toThrow(
        "there is an account named 'carol' or a user named 'carol' already: choose another name",
      );
    } finally {
      write.mockRestore();
    }
    expect(written).toHaveLength(1);
    const printed = Object.fromEntries(
      written
        .join('')
        .trim()
        .split('\n')
        .map((line) => line.split(' ')),
    );
    expect(Object.keys(printed)).toEqual(['user', 'password', 'apikey', 'secretkey']);
    const keys = { username: 'carol', apiKey: printed.apikey ?? '', secretKey: printed.secretkey ?? '' };
    expect(await areKeysOf(database.db, await loadMasterKey(masterKeyFile), keys)).toBe(true);
    const row = await database.db
      .selectFrom('user')
      .where('username', '=', 'carol')
      .selectAll()
      .executeTakeFirstOrThrow();
    for (const plain of [printed.secretkey, printed.apikey]) expect(JSON.stringify(row)).not.toContain(plain);
    expect(JSON.stringify(row)).not.toContain(printed.password);
    expect(await verifyPassword(printed.password ?? '', row.password_hash ?? '')).toBe(true);
  });
});
