/** Rotation of the master key while processes run. */
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { areKeysOf, createAdmin } from '../../db/accounts/accounts.ts';
import type { Credentials } from '../../db/accounts/accounts.ts';
import { aloneInRotating, bindAll, resealAll, SEALED_COLUMNS } from '../../db/sealed.ts';
import { hideQueries } from '../../db/templates/hidden-queries.ts';
import type { Secrets } from '../../model/source.ts';
import { createMasterKey, loadMasterKey, masterKeyOf, readKeyFile } from '../../trust/master-key.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { keyOfBox, openSecrets, sealSecrets, UNBOUND_PREFIX } from '../../trust/at-rest.ts';
import type { TemplateOwner } from '../../trust/at-rest.ts';
import { StartError } from '../../workers/start-error.ts';
import { rotate, run } from '../../workers/secrets.ts';
import type { RotationOptions } from '../../workers/secrets.ts';
import { readSettings } from '../../workers/settings.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { templateRow } from '../support/templates.ts';
import { legacySealedBox } from '../support/legacy-sealed-box.ts';

const secrets: Secrets = { v: 1, origin: 'https://a.test', headers: [{ name: 'X-Key', value: 'sesame' }] };
const QUICK = { settleMs: 20 };

let database: TestDatabase;
let folder: string;
let path: string;
/** The master key as held by a process that was started before. */
let running: MasterKey;
let admin: Credentials;
let owner: TemplateOwner;

beforeEach(async () => {
  database = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'bypass-rotate-'));
  path = join(folder, 'master.key');
  running = await createMasterKey(path);
  admin = await createAdmin(database.db, running, { username: 'admin' });
  const { uuid } = await database.db.selectFrom('account').select('uuid').executeTakeFirstOrThrow();
  owner = { use: 'template', template: randomUUID(), account: uuid };
  await database.db
    .insertInto('vm_template')
    .values({
      ...templateRow(owner.template),
      account_id: sql<number>`(select id from account limit 1)`,
      sealed: await sealSecrets(running, owner, secrets),
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

/** Seals and opens with the master key, as api and control worker do meanwhile. */
async function expectAllToWork(masterKey: MasterKey): Promise<void> {
  expect(await areKeysOf(database.db, masterKey, admin)).toBe(true);
  expect(await openSecrets(masterKey, owner, await boxOf())).toEqual(secrets);
}

test('a rotation covers every sealed column of the schema', async () => {
  const { rows } = await sql<{ name: string }>`
    select table_name || '.' || column_name as name from information_schema.columns
    where table_schema = 'public' and column_name like '%sealed%'`.execute(database.db);
  const known = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`);
  expect(known.toSorted()).toEqual(rows.map(({ name }) => name).toSorted());
});

test('a rotation seals everything again and removes the old key, and a running process goes on', async () => {
  const old = running.kid;
  await chmod(path, 0o640);
  expect(await rotated()).toEqual([
    'A new key seals from now on',
    '3 secrets sealed anew',
    'The old key is used by nothing any more, and gone',
  ]);
  const { kid, keys } = await loadMasterKey(path);
  expect([kid === old, keys.size]).toEqual([false, 1]);
  expect(keyOfBox(await boxOf())).toBe(kid);
  await expectAllToWork(running);
  expect(running.kid).toBe(kid);
  expect(keyOfBox(await sealSecrets(running, owner, secrets))).toBe(kid);
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

test('the next call finishes an interrupted rotation, with the same key', async () => {
  await rotated({ keep: true });
  await expectAllToWork(running);
  const [current] = (await readKeyFile(path)).keys;
  // The state after a rotation that was killed between two rows.
  const old = masterKeyOf([Buffer.from((await readKeyFile(path)).keys[1] ?? '', 'base64url')]);
  const box = await sealSecrets(old, owner, secrets);
  await database.db.updateTable('vm_template').set({ sealed: box }).execute();
  expect(await rotated()).toEqual([
    'Going on with the rotation that was begun',
    '1 secret sealed anew',
    'The old key is used by nothing any more, and gone',
  ]);
  expect((await readKeyFile(path)).keys).toEqual([current]);
  await expectAllToWork(running);
});

test('a prepared key can be copied to other machines before it seals', async () => {
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

test('a secret that no key opens is named, and the old key stays', async () => {
  const lost = await sealSecrets(masterKeyOf([new Uint8Array(32)]), owner, secrets);
  await database.db.updateTable('vm_template').set({ sealed: lost }).execute();
  await expect(rotated()).rejects.toThrow(/1 secrets cannot be opened .*\(vm_template \d+\).*old key stays/);
  expect((await readKeyFile(path)).keys).toHaveLength(2);
  expect(await areKeysOf(database.db, running, admin)).toBe(true);
});

test('a rotation does not overwrite a secret that changes meanwhile', async () => {
  await rotated({ keep: true });
  const fresh = await loadMasterKey(path);
  expect(await resealAll(database.db, fresh)).toEqual({ rows: 0, broken: [] });
});

test('a secret that an earlier release sealed for no row is bound to its row, once', async () => {
  const sealed = await legacySealedBox(running, 'template', JSON.stringify(secrets));
  await database.db.updateTable('vm_template').set({ sealed }).execute();
  const key = await legacySealedBox(running, 'user', admin.secretKey);
  await database.db.updateTable('user').set({ secret_key_sealed: key }).execute();
  await expectAllToWork(running);
  expect(await bindAll(database.db, running)).toEqual({ rows: 2, broken: [] });
  expect((await boxOf()).startsWith(UNBOUND_PREFIX)).toBe(false);
  await expectAllToWork(running);
  expect(await bindAll(database.db, running)).toEqual({ rows: 0, broken: [] });
});

test('the query of a URL that an earlier release stored in plain text is sealed, once', async () => {
  const { db } = database;
  const url = 'https://a.test/debian.qcow2?X-Amz-Signature=token';
  const mirror = { priority: 1, size: 1, ranges: false, reachable: true };
  const { id } = await db.updateTable('vm_template').set({ url }).returning('id').executeTakeFirstOrThrow();
  await db.insertInto('template_store_ref').values({ template_id: id, url }).execute();
  for (const one of [url, 'https://b.test/a?t=1', 'https://b.test/a?t=2', 'nfs://c/a?version=4']) {
    await db
      .insertInto('template_mirror')
      .values({ ...mirror, template_id: id, url: one })
      .execute();
  }
  expect(await hideQueries(db, running)).toBe(1);
  expect(await hideQueries(db, running)).toBe(0);
  const shown = 'https://a.test/debian.qcow2?…';
  for (const table of ['vm_template', 'template_store_ref'] as const) {
    expect(await db.selectFrom(table).select('url').execute()).toEqual([{ url: shown }]);
  }
  const mirrors = await db.selectFrom('template_mirror').select('url').orderBy('id').execute();
  expect(mirrors.map((one) => one.url)).toEqual([shown, 'https://b.test/a?…', 'nfs://c/a?version=4']);
  expect(await openSecrets(running, owner, await boxOf())).toEqual({ ...secrets, url });
});

test('a key file that is missing for a moment does not disturb a running process', async () => {
  await rm(path);
  await expectAllToWork(running);
  expect(keyOfBox(await sealSecrets(running, owner, secrets))).toBe(running.kid);
});

test('only one rotation runs at a time', async () => {
  const given = readSettings({ databaseUrl: database.url, masterKeyFile: path }, {});
  await aloneInRotating(database.db, async () => {
    await expect(run(given, QUICK)).rejects.toThrow(StartError);
  });
  expect((await readKeyFile(path)).keys).toHaveLength(1);
});
