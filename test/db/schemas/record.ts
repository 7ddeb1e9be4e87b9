/**
 * Records the newest schema, with a row in each table, as `<newest migration>.sql` beside this file: what a database of
 * this release looks like to the next one. What was recorded is never written again.
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { openCopy } from '../../../db/copies/copies.ts';
import { recordAttempt } from '../../../db/copies/outcomes.ts';
import { reserve } from '../../../db/copies/reservations.ts';
import type { Database } from '../../../db/database.ts';
import { recordEvent } from '../../../db/events/events.ts';
import { recordInvite } from '../../../db/hosts/invites.ts';
import { recordProtectedEndpoints } from '../../../db/hosts/protected-endpoints.ts';
import { createDeploymentJob } from '../../../db/jobs/jobs.ts';
import { setConfiguration } from '../../../db/zones/configurations.ts';
import { PROTOCOLS } from '../../../images/fetch/protocols/registry.ts';
import { PROJECT_ROOT } from '../../../platform/installation.ts';
import { openDbLab } from '../../labs/db.ts';
import type { DbLab } from '../../labs/db.ts';
import { rowsOf, tablesOf } from '../../support/schema.ts';
import { addFleetRows } from './fleet-rows.ts';
import { addMachineRows } from './machine-rows.ts';

const MIGRATIONS = join(PROJECT_ROOT, 'db/migrations');

/** Kysely makes these tables before the first migration. */
const OF_KYSELY = `
create table kysely_migration (name varchar(255) not null primary key, timestamp varchar(255) not null);
create table kysely_migration_lock (id varchar(255) not null primary key, is_locked integer not null default 0);
`;

/** The migrations themselves fill these. */
const SEEDED: readonly string[] = [
  'disk_offering',
  'guest_os',
  'list_change',
  'network_offerings',
  'service_offering',
  'upkeep_sweep',
];

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

test('records the newest schema, once', async () => {
  await addRows(lab);
  const names = (await readdir(MIGRATIONS)).toSorted();
  const migrations = await Promise.all(names.map((name) => readFile(join(MIGRATIONS, name), 'utf8')));
  const text = [OF_KYSELY, ...migrations, await dumpRows(lab.db), await dumpSequences(lab.db)].join('\n');
  await writeFile(join(__dirname, names.at(-1) ?? ''), text, { flag: 'wx' });
});

/** Foreign keys and triggers do not act while the rows are loaded: they are complete as they are. */
async function dumpRows(db: Database): Promise<string> {
  const statements: string[] = ['set session_replication_role = replica;'];
  for (const table of (await tablesOf(db)).filter((name) => !SEEDED.includes(name))) {
    const rows = await rowsOf(db, table);
    expect({ table, rows: rows.length }).not.toEqual({ table, rows: 0 });
    const json = JSON.stringify(rows, undefined, 1).replaceAll("'", "''");
    statements.push(
      `insert into "${table}" overriding system value select * from jsonb_populate_recordset(null::"${table}", '${json}');`,
    );
  }
  return [...statements, 'set session_replication_role = origin;'].join('\n');
}

async function dumpSequences(db: Database): Promise<string> {
  const { rows } = await sql<{ statement: string }>`
    select format('select setval(%L, %s);', format('%I', sequencename), last_value) as statement
    from pg_sequences where last_value is not null order by sequencename`.execute(db);
  return `${rows.map(({ statement }) => statement).join('\n')}\n`;
}

async function addRows({ db, account, user, zone, addHost, addPool, addTemplate }: DbLab): Promise<void> {
  const host = await addHost();
  const pool = await addPool(host.uuid);
  const template = await addTemplate();
  const copy = { templateId: template.uuid, poolId: pool.id };
  const { copyId } = await openCopy(db, copy, 'deployment', PROTOCOLS);
  await reserve(db, copyId, 600);
  const now = new Date().toISOString();
  await recordAttempt(db, copy, {
    attemptId: randomUUID(),
    hostId: host.uuid,
    hostName: 'host',
    tries: [{ source: 'http://origin.test/debian.qcow2', startedAt: now, endedAt: now, bytes: 300 }],
  });
  const who = { accountId: account.uuid, userId: user.uuid };
  const about = { cmd: 'prepareTemplate', instanceType: 'Template', instanceUuid: template.uuid };
  const { jobId: job } = await createDeploymentJob(db, { ...who, ...about, copies: [copy] });
  await recordEvent(db, {
    type: 'TEMPLATE.CREATE',
    description: "it's there",
    userUuid: user.uuid,
    accountUuid: account.uuid,
    resourceType: 'VirtualMachineTemplate',
    resourceUuid: template.uuid,
  });
  await recordInvite(db, { id: randomUUID(), secretHash: 'hash', expiresHours: 24, zoneId: zone.uuid });
  await recordProtectedEndpoints(db, 'the api', ['10.0.0.5:8080']);
  await setConfiguration(db, 'event.purge.delay', '30');
  await setConfiguration(db, 'direct.download.timeout', '7', zone.id);
  await addTemplateRows(db, { template: template.id, account: account.id, zone: zone.id });
  await db.insertInto('session').values({ token_hash: 'token', key_hash: 'key', user_id: user.id }).execute();
  const certificate = await db
    .insertInto('direct_download_certificate')
    .values({
      alias: 'mirror',
      certificate: 'PEM',
      digest: 'd',
      expires: new Date('2040-01-01'),
      zone_id: zone.id,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db
    .insertInto('direct_download_certificate_host_map')
    .values({ certificate_id: certificate.id, host_id: host.id })
    .execute();
  const shared = { template: template.id, pool: pool.id };
  await addMachineRows(db, { ...shared, account: account.id, user: user.id, zone: zone.id, host: host.id });
  await addFleetRows(db, { ...shared, zone, host, copy: copyId, job });
}

async function addTemplateRows(
  db: Database,
  { template, account, zone }: { readonly template: number; readonly account: number; readonly zone: number },
): Promise<void> {
  const ofTemplate = { template_id: template };
  await db
    .insertInto('vm_template_details')
    .values({ ...ofTemplate, name: 'memory', value: '512' })
    .execute();
  await db
    .insertInto('template_zone_ref')
    .values({ ...ofTemplate, zone_id: zone })
    .execute();
  await db.insertInto('template_store_ref').values(ofTemplate).execute();
  await db
    .insertInto('template_mirror')
    .values({
      ...ofTemplate,
      url: 'http://mirror.test/',
      priority: 1,
      size: 600,
      ranges: true,
      reachable: true,
    })
    .execute();
  await db
    .insertInto('launch_permission')
    .values({ ...ofTemplate, account_id: account })
    .execute();
  await db
    .insertInto('launch_permission_name')
    .values({ ...ofTemplate, account_name: 'nobody' })
    .execute();
  await db
    .insertInto('resource_tag')
    .values({ ...ofTemplate, key: 'os', value: 'debian' })
    .execute();
}
