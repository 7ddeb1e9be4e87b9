/** Copies that are verified anew and healed. Files, downloads and hashes are real; the hosts' domains are scripted. */
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createPools } from '../../images/pools/pools.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { setConfiguration } from '../../db/zones/configurations.ts';
import { withoutProof } from '../../model/answer.ts';
import { POOL_MARKER, UPKEEP_WORKFLOW_ID } from '../../model/names.ts';
import type { HashJob } from '../../model/verification.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { knownInMemory, openHostLab } from '../labs/host.ts';
import type { HostLab } from '../labs/host.ts';
import { openMachines } from '../labs/machines.ts';
import { rawDisk, sha256 } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { rotAt } from '../support/rot.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

const MIB = 1_048_576;
const image = rawDisk(300_000);
/** Three pieces. */
const large = rawDisk(10 * MIB);
let lab: ControlLab;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  lab = await openControlLab();
});
afterEach(() => lab.removeHosts());
afterAll(async () => {
  await lab.close();
  for (const close of closing) await close();
});

interface VerifyingHost {
  readonly host: ScriptedHost;
  readonly hostLab: HostLab;
  readonly poolId: string;
  readonly root: string;
  /** What its origin has. */
  readonly body: Buffer;
  /** Received jobs to hash a copy, and how many ran at once at most. */
  readonly hashed: HashJob[];
  most: number;
}

/**
 * A host with a pool of its own, which downloads, hashes and removes for real.
 * @param release the one before knew no pieces
 */
async function newHost(
  name: string,
  body = image,
  release: 'this' | 'before' = 'this',
): Promise<VerifyingHost> {
  const root = await mkdtemp(join(tmpdir(), 'bypass-verified-'));
  const kind = { type: 'Filesystem', scope: 'HOST' } as const;
  await writeFile(join(root, POOL_MARKER), JSON.stringify({ v: 1, id: lab.poolId(name), name, ...kind }));
  const config = { path: root, name, ...kind, create: false };
  const hostLab = await openHostLab({ pools: createPools([config], knownInMemory()) });
  closing.push(async () => {
    await hostLab.close();
    await rm(root, { recursive: true });
  });
  hostLab.server.serve('/image.raw', { body });
  const { quick, transfer } = hostLab.activities;
  const own = <T extends object>(answer: T): T => ({ ...(withoutProof(answer) as T), hostId: host.hostId });
  let running = 0;
  const made: VerifyingHost = { hostLab, poolId: lab.poolId(name), root, body, hashed: [], most: 0 } as never;
  const host: ScriptedHost = await lab.addHost({
    name,
    uploads: 1,
    script: {
      async download({ peer: _peer, healing, ...asked }) {
        const job = release === 'before' || healing === undefined ? asked : { ...asked, healing };
        const url = hostLab.server.url('/image.raw');
        const about = { url, mirrors: [], format: 'RAW', size: body.length } as const;
        return { ...own(await transfer.download({ ...job, ...about })), pool: host.pool() };
      },
      async hashCopy(job) {
        made.hashed.push(job);
        running += 1;
        made.most = Math.max(made.most, running);
        try {
          const { pieces, ...answer } = own(await quick.hashCopy(job));
          return release === 'before' || pieces === undefined ? answer : { ...answer, pieces };
        } finally {
          running -= 1;
        }
      },
      remove: async (job) => ({ ...own(await quick.remove(job)), pool: host.pool() }),
    },
  });
  host.setFree(1000 * MIB);
  return Object.assign(made, { host });
}

type Copy = CopyUuids & { readonly copyId: string; readonly path: string };

async function deployed({ poolId, root }: VerifyingHost): Promise<Copy> {
  const copy = { templateId: await lab.addTemplate(), poolId };
  await lab.db
    .updateTable('vm_template')
    .set({ format: 'RAW' })
    .where('uuid', '=', copy.templateId)
    .execute();
  expect((await lab.finished(await lab.prepare(copy))).job_status).toBe(1);
  await lab.copyEnded(copy);
  const { uuid = '' } = (await lab.copy(copy)) ?? {};
  return { ...copy, copyId: uuid, path: join(root, uuid) };
}

const age = (copy: Copy, days: number) =>
  lab.db
    .updateTable('template_spool_ref')
    .set({ verified: sql`now() - make_interval(days => ${days})`, verification_asked: null })
    .where('uuid', '=', copy.copyId)
    .execute();

const configure = async (name: string, value: string): Promise<void> => {
  const zone = await lab.db.selectFrom('data_center').select('id').executeTakeFirstOrThrow();
  await setConfiguration(lab.db, name, value, zone.id);
};

const verify = () => lab.orchestration.requestVerifications(lab.zoneId);

const eventOf = (type: string, resource: string) =>
  until(`the event ${type}`, () =>
    lab.db
      .selectFrom('event')
      .where('type', '=', type)
      .where('resource_uuid', '=', resource)
      .selectAll()
      .executeTakeFirst(),
  );

const isRight = async (path: string, body = image): Promise<boolean> => (await readFile(path)).equals(body);
const inodeOf = async (path: string): Promise<number> => (await stat(path)).ino;

if (isFullRun)
  test('copies whose turn it is are verified one at a time, the oldest first, at the pace of the zone', async () => {
    const host = await newHost('pace');
    const [first, second, third] = [await deployed(host), await deployed(host), await deployed(host)];
    await age(first, 100);
    await age(second, 200);
    await configure('storage.verification.interval', '0');
    await configure('storage.verification.rate', '1000000');
    await verify();
    await until('the run has ended', async () => !(await lab.orchestration.isRunning(verificationsId())));
    expect(host.hashed).toEqual([]);
    await configure('storage.verification.interval', '90');
    await verify();
    for (const copy of [first, second]) await eventOf('TEMPLATE.COPY.VERIFY', copy.templateId);
    await until('the run has ended', async () => !(await lab.orchestration.isRunning(verificationsId())));
    expect(host.hashed).toMatchObject([
      { copyId: second.copyId, bytesPerSecond: 1_000_000 },
      { copyId: first.copyId, bytesPerSecond: 1_000_000 },
    ]);
    expect(host.most).toBe(1);
    await configure('storage.verification.rate', '1000000000');
    for (const copy of [first, second, third]) {
      const { verified = null } = (await lab.copy(copy)) ?? {};
      expect(Date.now() - (verified?.getTime() ?? 0)).toBeLessThan(86_400_000);
    }
  });

const verificationsId = (): string => `zone:${lab.zoneId}:verifications`;

test('a copy that rotted is found, told of, and brought anew as another file', async () => {
  const unknown = rawDisk(300_000, 2);
  const host = await newHost('rotten', unknown);
  const copy = await deployed(host);
  const before = await inodeOf(copy.path);
  await rotAt(copy.path, 200_000);
  const held = await open(copy.path, 'r');
  try {
    await age(copy, 100);
    await verify();
    expect(await eventOf('TEMPLATE.COPY.VERIFY', copy.templateId)).toMatchObject({
      level: 'ERROR',
      host: { name: 'rotten' },
      description: expect.stringMatching(/is not the image any more .*; it is removed, and brought anew$/),
    });
    const healed = await until('there is a new copy', async () => {
      const row = await lab.copy(copy);
      return row?.state === 'Ready' && row.uuid !== copy.copyId ? row : undefined;
    });
    const path = join(host.root, healed.uuid);
    expect(await isRight(path, unknown)).toBe(true);
    expect(healed).toMatchObject({ error_kind: null, sha256: sha256(unknown) });
    // Nothing was written into the old file: who has it open reads what it had.
    expect((await held.stat()).ino).toBe(before);
    expect((await readFile(held)).equals(unknown)).toBe(false);
  } finally {
    await held.close();
  }
});

/** Has the copy verified, and waits until it was found right. */
async function foundRight(copy: Copy): Promise<void> {
  await age(copy, 100);
  await verify();
  expect(await eventOf('TEMPLATE.COPY.VERIFY', copy.templateId)).toMatchObject({ level: 'INFO' });
  await until('the run has ended', async () => !(await lab.orchestration.isRunning(verificationsId())));
  await lab.db.deleteFrom('event').where('resource_uuid', '=', copy.templateId).execute();
}

const healedCopy = (copy: Copy) =>
  until('it is healed', async () => {
    const row = await lab.copy(copy);
    return row?.state === 'Ready' && row.error_kind === null && row.healing_begun !== null ? row : undefined;
  });

test('of a copy that was found right before, only the pieces that rotted since are fetched', async () => {
  const host = await newHost('pieces', large);
  const copy = await deployed(host);
  await foundRight(copy);
  const sent = host.hostLab.server.seen('/image.raw').bytes;
  await rotAt(copy.path, 200_000, 9 * MIB);
  const held = await open(copy.path, 'r');
  try {
    const before = await readFile(copy.path);
    await age(copy, 100);
    await verify();
    expect(await eventOf('TEMPLATE.COPY.VERIFY', copy.templateId)).toMatchObject({
      level: 'ERROR',
      description: expect.stringMatching(
        /published there, in 2 of 3 pieces \(6291456 bytes\); what is damaged is brought anew$/,
      ),
    });
    expect(await healedCopy(copy)).toMatchObject({ uuid: copy.copyId, sha256: sha256(large) });
    expect(await isRight(copy.path, large)).toBe(true);
    expect(host.hostLab.server.seen('/image.raw').bytes - sent).toBe(6 * MIB);
    // The damaged file was only read, and is gone: nothing stands on it.
    expect((await readFile(held)).equals(before)).toBe(true);
    expect((await held.stat()).nlink).toBe(0);
    expect(await readdir(host.root)).not.toContainEqual(expect.stringContaining('set-aside'));
  } finally {
    await held.close();
  }
});

test('where no hashes are known, a right copy elsewhere gives them: then only the damaged pieces are fetched', async () => {
  const unknown = rawDisk(9 * MIB, 3);
  const [host, other] = [await newHost('unknown', unknown), await newHost('other', unknown)];
  const [copy, theirs] = [await deployed(host), await deployed(other)];
  const sent = host.hostLab.server.seen('/image.raw').bytes;
  await rotAt(copy.path, 200_000);
  await age(copy, 100);
  await verify();
  expect(await eventOf('TEMPLATE.COPY.VERIFY', copy.templateId)).toMatchObject({
    description: expect.stringMatching(
      /there; a right copy is hashed first, so that only what is damaged is brought anew$/,
    ),
  });
  expect(await eventOf('TEMPLATE.COPY.VERIFY', theirs.templateId)).toMatchObject({ level: 'INFO' });
  expect(await healedCopy(copy)).toMatchObject({ uuid: copy.copyId });
  expect(await isRight(copy.path, unknown)).toBe(true);
  expect(host.hostLab.server.seen('/image.raw').bytes - sent).toBe(4 * MIB);
  // It has waited for another host, and for no other verification of its own.
  expect([host.hashed.length, other.hashed.length]).toEqual([1, 1]);
});

test('a host of the release before gives no hashes of pieces, and brings the whole', async () => {
  const host = await newHost('older', large, 'before');
  const copy = await deployed(host);
  await foundRight(copy);
  // Its reports say what this release can.
  await sql`update host set capabilities = jsonb_set(capabilities, '{features}', (capabilities -> 'features') - 'healing')
    where uuid = ${host.host.hostId}`.execute(lab.db);
  // Of another copy of the image, hashes may be known.
  const pieces = { sha256: sha256(large), size: 10 * MIB, piece_length: 4 * MIB, hashes: 'a'.repeat(192) };
  await lab.db
    .insertInto('image_pieces')
    .values(pieces)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const sent = host.hostLab.server.seen('/image.raw').bytes;
  await rotAt(copy.path, 200_000);
  await age(copy, 100);
  await verify();
  expect(await eventOf('TEMPLATE.COPY.VERIFY', copy.templateId)).toMatchObject({
    description: expect.stringMatching(/published there; it is removed, and brought anew$/),
  });
  const healed = await until('there is a new copy', async () => {
    const row = await lab.copy(copy);
    return row?.state === 'Ready' && row.uuid !== copy.copyId ? row : undefined;
  });
  expect(await isRight(join(host.root, healed.uuid), large)).toBe(true);
  expect(host.hostLab.server.seen('/image.raw').bytes - sent).toBe(large.length);
});

/** Ends upkeep, and runs it until the condition holds. */
async function withUpkeep(what: string, condition: () => Promise<boolean>): Promise<void> {
  await lab.startUpkeep();
  await until(what, condition);
  await lab.endUpkeep();
}

/** A copy that rotted under a machine that runs. */
async function rottenUnderMachine(name: string, body = image) {
  const host = await newHost(name, body);
  const copy = await deployed(host);
  if (body === large) await foundRight(copy);
  const machines = openMachines(lab);
  const add = () => machines.add({ templateId: copy.templateId, storage: 'local' });
  const vmId = await add();
  expect((await machines.perform(vmId, 'deployVirtualMachine')).job_status).toBe(1);
  await rotAt(copy.path, 200_000);
  await age(copy, 100);
  await verify();
  await eventOf('TEMPLATE.COPY.VERIFY', copy.templateId);
  return { host, copy, machines, add, vmId };
}

test('under a running machine it stays, is named with the machine, and is replaced when the machine has stopped', async () => {
  const { host, copy, machines, add, vmId } = await rottenUnderMachine('carrying');
  const { display_name: machine } = await machines.row(vmId);
  const before = { inode: await inodeOf(copy.path), content: await readFile(copy.path) };
  expect(await eventOf('STORAGE.POOL.COPY.DAMAGED', copy.poolId)).toMatchObject({
    level: 'ERROR',
    account_id: null,
    description: expect.stringContaining(`stand: ${machine}.`),
  });
  expect(await eventOf('VM.IMAGE.DAMAGED', vmId)).toMatchObject({ level: 'ERROR' });
  expect(await lab.copy(copy)).toMatchObject({ state: 'Ready', error_kind: 'ContentRefused' });
  // No further machine is placed on it.
  const other = await add();
  const refused = await machines.perform(other, 'deployVirtualMachine');
  expect(refused.job_status).toBe(2);
  expect(JSON.stringify(refused.job_result)).toContain('damaged copy of its image');

  await withUpkeep('upkeep has looked twice', async () => {
    const { historyLength } = await lab.temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID).describe();
    return historyLength > 40;
  });
  expect({ inode: await inodeOf(copy.path), content: await readFile(copy.path) }).toEqual(before);

  await machines.perform(vmId, 'stopVirtualMachine', { forced: true });
  await withUpkeep('it is healed', async () => (await lab.copy(copy))?.error_kind === null);
  await lab.copyEnded(copy);
  expect(await lab.copy(copy)).toMatchObject({ state: 'Ready', uuid: copy.copyId, sha256: sha256(image) });
  expect(await isRight(copy.path)).toBe(true);
  expect(await inodeOf(copy.path)).not.toBe(before.inode);
  // The old file is there still, under another name, until somebody removes it.
  const [aside = ''] = (await readdir(host.root)).filter((name) => name.includes('.set-aside.'));
  expect(await inodeOf(join(host.root, aside))).toBe(before.inode);
  for (const one of [vmId, other])
    expect((await machines.perform(one, 'startVirtualMachine')).job_status).toBe(1);
});

test('what rots further under a machine is fetched as well when the machine has stopped', async () => {
  const { host, copy, machines, vmId } = await rottenUnderMachine('rotting', large);
  expect(await eventOf('TEMPLATE.COPY.VERIFY', copy.templateId)).toMatchObject({
    description: expect.stringContaining('in 1 of 3 pieces (4194304 bytes); it stays as it is'),
  });
  await rotAt(copy.path, 9 * MIB);
  const before = { inode: await inodeOf(copy.path), content: await readFile(copy.path) };
  const sent = host.hostLab.server.seen('/image.raw').bytes;
  await machines.perform(vmId, 'stopVirtualMachine', { forced: true });
  await withUpkeep('it is healed', async () => (await lab.copy(copy))?.error_kind === null);
  await lab.copyEnded(copy);
  expect(await isRight(copy.path, large)).toBe(true);
  expect(host.hostLab.server.seen('/image.raw').bytes - sent).toBe(6 * MIB);
  const [aside = ''] = (await readdir(host.root)).filter((name) => name.includes('.set-aside.'));
  expect(await inodeOf(join(host.root, aside))).toBe(before.inode);
  expect((await readFile(join(host.root, aside))).equals(before.content)).toBe(true);
});

if (isFullRun)
  test('a healing that fails, or brings another image, leaves the copy for its machines', async () => {
    const { host, copy, machines, vmId } = await rottenUnderMachine('failing');
    const before = await inodeOf(copy.path);
    host.hostLab.server.serve('/image.raw', { body: rawDisk(300_001) });
    await machines.perform(vmId, 'stopVirtualMachine', { forced: true });
    await withUpkeep('the healing has failed', async () => {
      const { rows } = await sql<{ n: number }>`
        select count(*)::integer as n from event where type = 'TEMPLATE.DIRECT.DOWNLOAD.FAILURE'
          and resource_uuid = ${copy.templateId}`.execute(lab.db);
      return (rows[0]?.n ?? 0) > 0;
    });
    expect(await lab.copy(copy)).toMatchObject({ state: 'Ready', error_kind: 'ContentRefused' });
    expect(await inodeOf(copy.path)).toBe(before);
    // A cleanup does not take it either.
    await lab.orchestration.startRemoval(copy, { by: 'a test' });
    await lab.copyEnded(copy);
    expect(await inodeOf(copy.path)).toBe(before);
  });
