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
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';

const image = rawDisk(300_000);
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
  /** Received jobs to hash a copy, and how many ran at once at most. */
  readonly hashed: HashJob[];
  most: number;
}

/** A host with a pool of its own, which downloads, hashes and removes for real. */
async function newHost(name: string): Promise<VerifyingHost> {
  const root = await mkdtemp(join(tmpdir(), 'bypass-verified-'));
  const kind = { type: 'Filesystem', scope: 'HOST' } as const;
  await writeFile(join(root, POOL_MARKER), JSON.stringify({ v: 1, id: lab.poolId(name), name, ...kind }));
  const config = { path: root, name, ...kind, create: false };
  const hostLab = await openHostLab({ pools: createPools([config], knownInMemory()) });
  closing.push(async () => {
    await hostLab.close();
    await rm(root, { recursive: true });
  });
  hostLab.server.serve('/image.raw', { body: image });
  const { quick, transfer } = hostLab.activities;
  const own = <T extends object>(answer: T): T => ({ ...(withoutProof(answer) as T), hostId: host.hostId });
  let running = 0;
  const made: VerifyingHost = { hostLab, poolId: lab.poolId(name), root, hashed: [], most: 0 } as never;
  const host: ScriptedHost = await lab.addHost({
    name,
    uploads: 1,
    script: {
      async download({ peer: _peer, ...job }) {
        const url = hostLab.server.url('/image.raw');
        const about = { url, mirrors: [], format: 'RAW', size: image.length } as const;
        return { ...own(await transfer.download({ ...job, ...about })), pool: host.pool() };
      },
      async hashCopy(job) {
        made.hashed.push(job);
        running += 1;
        made.most = Math.max(made.most, running);
        try {
          return own(await quick.hashCopy(job));
        } finally {
          running -= 1;
        }
      },
      remove: async (job) => ({ ...own(await quick.remove(job)), pool: host.pool() }),
    },
  });
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

/** Changes a byte of a file in place, as a disk that rots does. */
async function damage(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Buffer.from([0xff]), 0, 1, 200_000);
  await file.close();
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

const isRight = async (path: string): Promise<boolean> => (await readFile(path)).equals(image);
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
    for (const copy of [first, second, third]) {
      const { verified = null } = (await lab.copy(copy)) ?? {};
      expect(Date.now() - (verified?.getTime() ?? 0)).toBeLessThan(86_400_000);
    }
  });

const verificationsId = (): string => `zone:${lab.zoneId}:verifications`;

test('a copy that rotted is found, told of, and brought anew as another file', async () => {
  const host = await newHost('rotten');
  const copy = await deployed(host);
  const before = await inodeOf(copy.path);
  await damage(copy.path);
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
    expect(await isRight(path)).toBe(true);
    expect(healed).toMatchObject({ error_kind: null, sha256: sha256(image) });
    // Nothing was written into the old file: who has it open reads what it had.
    expect((await held.stat()).ino).toBe(before);
    expect((await readFile(held)).equals(image)).toBe(false);
  } finally {
    await held.close();
  }
});

/** Ends upkeep, and runs it until the condition holds. */
async function withUpkeep(what: string, condition: () => Promise<boolean>): Promise<void> {
  await lab.startUpkeep();
  await until(what, condition);
  await lab.temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID).terminate('by the test');
}

/** A copy that rotted under a machine that runs. */
async function rottenUnderMachine(name: string) {
  const host = await newHost(name);
  const copy = await deployed(host);
  const machines = openMachines(lab);
  const add = () => machines.add({ templateId: copy.templateId, storage: 'local' });
  const vmId = await add();
  expect((await machines.perform(vmId, 'deployVirtualMachine')).job_status).toBe(1);
  await damage(copy.path);
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
