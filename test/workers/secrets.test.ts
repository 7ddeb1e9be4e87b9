/** Another master key, while everything runs. */
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { areKeysOf, createAdmin } from '../../db/accounts.ts';
import type { Credentials } from '../../db/accounts.ts';
import { aloneInRotating, resealAll, SEALED_COLUMNS } from '../../db/sealed.ts';
import type { Secrets } from '../../model/source.ts';
import { createMasterKey, loadMasterKey, masterKeyOf, readKeyFile } from '../../trust/master-key.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { keyOfBox, openAtRest, sealAtRest } from '../../trust/sealing.ts';
import { StartError } from '../../workers/runtime.ts';
import { rotate, run } from '../../workers/secrets.ts';
import type { RotationOptions } from '../../workers/secrets.ts';
import { readSettings } from '../../workers/settings.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { templateRow } from '../support/templates.ts';

const secrets: Secrets = { v: 1, origin: 'https://a.test', headers: [{ name: 'X-Key', value: 'sesame' }] };
const QUICK = { settleMs: 20 };

let database: TestDatabase;
let folder: string;
let path: string;
/** As a process has it that was started before. */
let running: MasterKey;
let admin: Credentials;
let templateId: string;

beforeEach(async () => {
  database = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'bypass-rotate-'));
  path = join(folder, 'master.key');
  running = await createMasterKey(path);
  admin = await createAdmin(database.db, running, { username: 'admin' });
  templateId = randomUUID();
  await database.db
    .insertInto('vm_template')
    .values({
      ...templateRow(templateId),
      account_id: sql<number>`(select id from account limit 1)`,
      sealed: await sealAtRest(running, secrets),
    })
    .execute();
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

async function rotated(options: RotationOptions = {}): Promise<readonly string[]> {
  const lines: string[] = [];
  await rotate(database.db, path, { ...QUICK, ...options }, (line) => lines.push(line));
  return lines;
}

const boxOf = async (): Promise<string> =>
  (await database.db.selectFrom('vm_template').select('sealed').executeTakeFirstOrThrow()).sealed ?? '';

/** What api and control worker do with it, all the while. */
async function expectAllToWork(masterKey: MasterKey): Promise<void> {
  expect(await areKeysOf(database.db, masterKey, admin)).toBe(true);
  expect(await openAtRest(masterKey, await boxOf())).toEqual(secrets);
}

test('every column that is sealed is sealed anew', async () => {
  const { rows } = await sql<{ name: string }>`
    select table_name || '.' || column_name as name from information_schema.columns
    where table_schema = 'public' and column_name like '%sealed%'`.execute(database.db);
  const known = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`);
  expect(known.toSorted()).toEqual(rows.map(({ name }) => name).toSorted());
});

test('everything is sealed anew, the old key goes, and a running process goes on', async () => {
  const old = running.kid;
  await chmod(path, 0o640);
  expect(await rotated()).toEqual([
    'A new key seals from now on',
    '2 secrets sealed anew',
    'The old key is used by nothing any more, and gone',
  ]);
  const { kid, keys } = await loadMasterKey(path);
  expect([kid === old, keys.size]).toEqual([false, 1]);
  expect(keyOfBox(await boxOf())).toBe(kid);
  await expectAllToWork(running);
  expect(running.kid).toBe(kid);
  expect(keyOfBox(await sealAtRest(running, secrets))).toBe(kid);
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

test('what an interrupted rotation has begun, the next call finishes with the same key', async () => {
  await rotated({ keep: true });
  await expectAllToWork(running);
  const [current] = (await readKeyFile(path)).keys;
  // As if it had been killed between two rows.
  const old = masterKeyOf([Buffer.from((await readKeyFile(path)).keys[1] ?? '', 'base64url')]);
  const box = await sealAtRest(old, secrets);
  await database.db.updateTable('vm_template').set({ sealed: box }).execute();
  expect(await rotated()).toEqual([
    'Going on with the rotation that was begun',
    '1 secret sealed anew',
    'The old key is used by nothing any more, and gone',
  ]);
  expect((await readKeyFile(path)).keys).toEqual([current]);
  await expectAllToWork(running);
});

test('a key that was prepared is known on other machines before it seals', async () => {
  await rotated({ prepare: true });
  await rotated({ prepare: true });
  const elsewhere = join(folder, 'copy.key');
  await copyFile(path, elsewhere);
  const other = await loadMasterKey(elsewhere);
  expect([other.kid, other.keys.size]).toEqual([running.kid, 2]);
  await rotated({ keep: true });
  await expectAllToWork(other);
  await rotated();
  await expectAllToWork(other);
  expect([...(await loadMasterKey(path)).keys.keys()]).toEqual([[...other.keys.keys()][1]]);
});

test('a secret that no key opens keeps the old key, and is named', async () => {
  const lost = await sealAtRest(masterKeyOf([new Uint8Array(32)]), secrets);
  await database.db.updateTable('vm_template').set({ sealed: lost }).execute();
  await expect(rotated()).rejects.toThrow(/1 secrets cannot be opened .*\(vm_template \d+\).*old key stays/);
  expect((await readKeyFile(path)).keys).toHaveLength(2);
  expect(await areKeysOf(database.db, running, admin)).toBe(true);
});

test('what changes meanwhile is not overwritten', async () => {
  await rotated({ keep: true });
  const fresh = await loadMasterKey(path);
  expect(await resealAll(database.db, fresh)).toEqual({ rows: 0, broken: [] });
});

test('a file that is not there for a moment is no harm to who runs', async () => {
  await rm(path);
  await expectAllToWork(running);
  expect(keyOfBox(await sealAtRest(running, secrets))).toBe(running.kid);
});

test('there is one rotation at a time', async () => {
  const given = readSettings({ databaseUrl: database.url, masterKeyFile: path }, {});
  await aloneInRotating(database.db, async () => {
    await expect(run(given, QUICK)).rejects.toThrow(StartError);
  });
  expect((await readKeyFile(path)).keys).toHaveLength(1);
});
