import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { sql } from 'kysely';
import { recordInvite } from '../../db/hosts/invites.ts';
import { setResourceState, takeHostsToDescribe } from '../../db/hosts/hosts.ts';
import { createCluster, createZone } from '../../db/zones/zones.ts';
import { CONTROL_QUEUE, joinWorkflowId, workflowTypes } from '../../model/names.ts';
import type { PoolReport } from '../../model/payloads.ts';
import { createInvite, proofOf } from '../../trust/invite.ts';
import { rawPublicKey } from '../../trust/keys.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { until } from '../support/until.ts';
import { joinText } from '../../model/joining.ts';
import type { JoinAnswer, JoinRequest } from '../../model/joining.ts';

let lab: ControlLab;
beforeAll(async () => {
  lab = await openControlLab();
});
afterAll(() => lab.close());

const newMachine = (hostId: string = randomUUID()) => ({
  hostId,
  signing: generateKeyPairSync('ed25519'),
  sealing: generateKeyPairSync('x25519'),
});

type Machine = ReturnType<typeof newMachine>;

interface Changes extends Partial<Omit<JoinRequest, 'invite' | 'signature'>> {
  readonly token?: string;
  readonly pools?: readonly PoolReport[];
}

/** As a host makes it. */
function requestOf(machine: Machine, { token, pools = [], ...changes }: Changes = {}): JoinRequest {
  const { hostId, signing, sealing } = machine;
  const who = {
    v: 1 as const,
    at: new Date().toISOString(),
    hostId,
    name: 'kvm-1',
    address: '10.0.0.1',
    zone: 'zone-1',
    cluster: 'cluster-1',
    signingKey: rawPublicKey(signing.publicKey),
    sealingKey: rawPublicKey(sealing.publicKey),
    report: { v: 1 as const, hostId, version: '1', pools, programs: [] },
    ...changes,
  };
  const text = joinText(who);
  const signature = sign(null, Buffer.from(text), signing.privateKey).toString('base64url');
  return { ...who, signature, ...(token === undefined ? {} : { invite: proofOf(token, text) }) };
}

const join = (request: JoinRequest): Promise<JoinAnswer> =>
  lab.temporal.client.workflow.execute(workflowTypes.join, {
    taskQueue: CONTROL_QUEUE,
    workflowId: joinWorkflowId(request.hostId),
    args: [request],
  });

async function refusal(request: JoinRequest): Promise<string> {
  const error: unknown = await join(request).catch((reason: unknown) => reason);
  return error instanceof WorkflowFailedError ? (error.cause?.message ?? '') : 'it was let in';
}

const invite = async (changes: { readonly expiresHours?: number; readonly zoneId?: string } = {}) => {
  const made = createInvite();
  await recordInvite(lab.db, { ...made, expiresHours: 24, ...changes });
  return made.token;
};

const row = (hostId: string) =>
  lab.db.selectFrom('host').where('uuid', '=', hostId).selectAll().executeTakeFirst();

const pool = (changes: Partial<PoolReport> = {}): PoolReport => ({
  id: randomUUID(),
  name: 'disks',
  type: 'Filesystem',
  scope: 'HOST',
  path: '/pools/disks',
  capacity: 100,
  free: 50,
  mounted: true,
  ...changes,
});

test('a host with a token is let in, with its pools; again without it', async () => {
  const machine = newMachine();
  const disks = pool();
  const token = await invite();
  const answer = await join(requestOf(machine, { token, pools: [disks] }));
  expect(answer).toMatchObject({ state: 'Enabled', zoneId: lab.zoneId });
  const host = await row(machine.hostId);
  expect(host).toMatchObject({ name: 'kvm-1', resource_state: 'Enabled', private_ip_address: '10.0.0.1' });
  expect(Date.now() - (host?.last_seen?.getTime() ?? 0)).toBeLessThan(35_000);
  const stored = await lab.db
    .selectFrom('storage_pool')
    .innerJoin('storage_pool_host_ref', 'storage_pool_host_ref.pool_id', 'storage_pool.id')
    .where('storage_pool.uuid', '=', disks.id)
    .selectAll()
    .executeTakeFirst();
  expect(stored).toMatchObject({ scope: 'HOST', free_bytes: 50, mounted: true, local_path: '/pools/disks' });
  expect(await join(requestOf(machine, { pools: [disks] }))).toMatchObject({ state: 'Enabled' });
  expect(await join(requestOf(machine, { token, pools: [disks] }))).toMatchObject({ state: 'Enabled' });
});

test('a host that asks again while its first request is recorded is let in by its invite', async () => {
  const machine = newMachine();
  const token = await invite();
  const ask = (request: JoinRequest) =>
    lab.temporal.client.workflow.start<(asked: JoinRequest) => Promise<JoinAnswer>>(workflowTypes.join, {
      taskQueue: CONTROL_QUEUE,
      workflowId: joinWorkflowId(machine.hostId),
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      args: [request],
    });
  const second = await lab.db.transaction().execute(async (tx) => {
    // Keeps the transactions of both requests from their end.
    await tx.selectFrom('host_invite').select('uuid').forUpdate().execute();
    await ask(requestOf(machine, { token, at: at(1000) }));
    await until('the first request waits', async () => (await waitingForLocks()) === 1);
    const handle = await ask(requestOf(machine, { token }));
    await until('the second request waits', async () => (await waitingForLocks()) === 2);
    return handle;
  });
  expect(await second.result()).toMatchObject({ state: 'Enabled' });
  expect(await row(machine.hostId)).toMatchObject({ resource_state: 'Enabled' });
});

async function waitingForLocks(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(lab.db);
  return rows[0]?.count ?? 0;
}

test('a host without a token is recorded, but gets no jobs until it is approved', async () => {
  const machine = newMachine();
  const answer = await join(requestOf(machine));
  expect(answer).toMatchObject({
    state: 'Disabled',
    message: expect.stringMatching(/SHA256:.*approve/) as string,
  });
  await setResourceState(lab.db, machine.hostId, 'Enabled');
  expect(await join(requestOf(machine))).toMatchObject({ state: 'Enabled' });
});

test.each([
  [
    'used up',
    async () => {
      const token = await invite();
      await join(requestOf(newMachine(), { token }));
      return token;
    },
  ],
  ['expired', () => invite({ expiresHours: 0 })],
  ['unknown', () => Promise.resolve(createInvite().token)],
  [
    'for another zone',
    async () => {
      const name = randomUUID();
      const zone = await lab.db
        .insertInto('data_center')
        .values({ name })
        .returning('uuid')
        .executeTakeFirstOrThrow();
      return invite({ zoneId: zone.uuid });
    },
  ],
])('a token that is %s lets nobody in', async (_what, token) => {
  const machine = newMachine();
  const answer = await join(requestOf(machine, { token: await token() }));
  expect(answer).toMatchObject({
    state: 'Disabled',
    message: expect.stringMatching(/used up, expired or for another zone/) as string,
  });
});

test('a token with a guessed secret lets no host in, and stays valid', async () => {
  const token = await invite();
  const forged = `${token.slice(0, 37)}${'A'.repeat(43)}`;
  expect(await join(requestOf(newMachine(), { token: forged }))).toMatchObject({
    state: 'Disabled',
    message: expect.stringMatching(/forged/) as string,
  });
  expect(await join(requestOf(newMachine(), { token }))).toMatchObject({ state: 'Enabled' });
});

test('one token lets one of many hosts in', async () => {
  const token = await invite();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => join(requestOf(newMachine(), { token }))),
  );
  expect(answers.filter(({ state }) => state === 'Enabled')).toHaveLength(1);
});

test('the old token of a host does not overrule an operator who disabled the host', async () => {
  const machine = newMachine();
  const token = await invite();
  await join(requestOf(machine, { token }));
  await setResourceState(lab.db, machine.hostId, 'Disabled');
  expect(await join(requestOf(machine, { token }))).toMatchObject({ state: 'Disabled' });
});

test('another key under a known id is refused', async () => {
  const machine = newMachine();
  await join(requestOf(machine));
  expect(await refusal(requestOf(newMachine(machine.hostId)))).toMatch(/joined before with another key/);
});

test('a join request that was changed on its way is refused', async () => {
  const request = { ...requestOf(newMachine()), zone: 'zone-2' };
  expect(await refusal(request)).toMatch(/does not hold the key/);
});

test('a join with an unknown zone or cluster is refused, and creates neither', async () => {
  expect(await refusal(requestOf(newMachine(), { zone: 'zome-1' }))).toBe(
    "There is no zone 'zome-1': make it with `bypass zone create`, or correct --zone",
  );
  expect(await refusal(requestOf(newMachine(), { cluster: 'x' }))).toMatch(/no cluster 'x'/);
  const byId = requestOf(newMachine(), { zone: lab.zoneId.toUpperCase() });
  expect(await join(byId)).toMatchObject({ zoneId: lab.zoneId });
});

test('a pool of scope HOST belongs to one host: a copied disk is reported', async () => {
  const disks = pool();
  await join(requestOf(newMachine(), { pools: [disks] }));
  const clone = newMachine();
  await join(requestOf(clone, { name: 'kvm-2', pools: [disks] }));
  const ref = await lab.db
    .selectFrom('storage_pool_host_ref')
    .innerJoin('host', 'host.id', 'storage_pool_host_ref.host_id')
    .where('host.uuid', '=', clone.hostId)
    .selectAll()
    .executeTakeFirst();
  expect(ref).toMatchObject({
    mounted: false,
    problem: expect.stringMatching(/belongs to host kvm-1/) as string,
  });
});

test('a shared pool is one pool, and a pool that is no longer configured is removed', async () => {
  const shared = pool({ scope: 'CLUSTER', type: 'SharedMountPoint' });
  const [one, two] = [newMachine(), newMachine()];
  const own = pool();
  await join(requestOf(one, { pools: [shared, own] }));
  await join(requestOf(two, { pools: [shared] }));
  const pools = () =>
    lab.db
      .selectFrom('storage_pool')
      .leftJoin('storage_pool_host_ref', 'storage_pool_host_ref.pool_id', 'storage_pool.id')
      .where('storage_pool.uuid', 'in', [shared.id, own.id])
      .select(['storage_pool.uuid', 'storage_pool_host_ref.mounted'])
      .execute();
  expect(await pools()).toHaveLength(3);
  await join(requestOf(one, { pools: [shared] }));
  expect(await pools()).toEqual([
    { uuid: shared.id, mounted: true },
    { uuid: shared.id, mounted: true },
  ]);
});

const storedPool = (id: string) =>
  lab.db.selectFrom('storage_pool').where('uuid', '=', id).selectAll().executeTakeFirst();

test('a host that was not let in changes no pools of other hosts', async () => {
  const shared = pool({ scope: 'CLUSTER', type: 'SharedMountPoint' });
  const disks = pool();
  const owner = newMachine();
  await join(requestOf(owner, { token: await invite(), pools: [shared, disks] }));
  const lies = { capacity: 1, free: 0, parts: { [randomUUID()]: 1 } };
  await join(
    requestOf(newMachine(), {
      pools: [
        { ...shared, ...lies },
        { ...disks, ...lies },
      ],
    }),
  );
  expect(await storedPool(shared.id)).toMatchObject({ capacity_bytes: 100, free_bytes: 50, parts: {} });
  expect(await storedPool(disks.id)).toMatchObject({ capacity_bytes: 100, free_bytes: 50, parts: {} });
});

test('a host that was not let in does not take pools of other hosts by claiming them first', async () => {
  const disks = pool();
  await join(
    requestOf(newMachine(), {
      name: 'thief',
      pools: [{ ...disks, type: 'SharedMountPoint', scope: 'ZONE' }],
    }),
  );
  const owner = newMachine();
  await join(requestOf(owner, { token: await invite(), pools: [disks] }));
  const ref = await lab.db
    .selectFrom('storage_pool_host_ref')
    .innerJoin('host', 'host.id', 'storage_pool_host_ref.host_id')
    .where('host.uuid', '=', owner.hostId)
    .selectAll()
    .executeTakeFirst();
  expect(ref).toMatchObject({ mounted: true, problem: null });
  expect(await storedPool(disks.id)).toMatchObject({ scope: 'HOST', pool_type: 'Filesystem' });
});

test('an invite is for one zone: a host that comes back in another zone is not trusted there', async () => {
  const zone = await createZone(lab.db, { name: `far-${randomUUID()}` });
  await createCluster(lab.db, { name: 'cluster-1', zoneId: zone.id });
  const machine = newMachine();
  await join(requestOf(machine, { token: await invite({ zoneId: lab.zoneId }) }));
  const moved = { zone: zone.uuid };
  expect(await join(requestOf(machine, moved))).toMatchObject({
    state: 'Disabled',
    message: expect.stringMatching(/comes from another zone/) as string,
  });
  const token = await invite({ zoneId: zone.uuid });
  expect(await join(requestOf(machine, { ...moved, token }))).toMatchObject({ state: 'Enabled' });
});

test('a host with an unusable sealing key is refused', async () => {
  expect(await refusal(requestOf(newMachine(), { sealingKey: 'none' }))).toMatch(/sealing key that is none/);
});

test('a host without a pool is asked for reports as well: a pool may have been mounted meanwhile', async () => {
  const machine = newMachine();
  await join(requestOf(machine, { token: await invite() }));
  const hosts = await takeHostsToDescribe(lab.db, 0, 100);
  expect(hosts.map(({ hostId }) => hostId)).toContain(machine.hostId);
});

const MINUTE_MS = 60_000;
const at = (agoMs: number): string => new Date(Date.now() - agoMs).toISOString();

describe('a replayed join request', () => {
  test('is refused when it is old; clocks may be a little apart', async () => {
    const machine = newMachine();
    for (const agoMs of [10 * MINUTE_MS, -10 * MINUTE_MS]) {
      const sentence = await refusal(requestOf(machine, { at: at(agoMs) }));
      expect(sentence).toMatch(/was made at .*set the clock of the host/);
    }
    expect(await refusal(requestOf(machine, { at: 'noon' }))).toMatch(/does not say when/);
    expect(await row(machine.hostId)).toBeUndefined();
    for (const agoMs of [2 * MINUTE_MS, -2 * MINUTE_MS]) {
      expect(await join(requestOf(newMachine(), { at: at(agoMs) }))).toMatchObject({ state: 'Disabled' });
    }
  });

  test('is refused when it was used before, and when the host has joined since', async () => {
    const machine = newMachine();
    const [first, second] = [requestOf(machine, { at: at(2000) }), requestOf(machine, { at: at(1000) })];
    await join(first);
    expect(await refusal(first)).toMatch(/it is an old one/);
    await join(second);
    expect(await refusal(first)).toMatch(/it is an old one/);
    expect(await join(requestOf(machine))).toMatchObject({ state: 'Disabled' });
  });

  test('is refused when anything in it was changed: its date, its report, its address', async () => {
    const machine = newMachine();
    const request = requestOf(machine, { at: at(10 * MINUTE_MS) });
    const report = { ...request.report, pools: [pool()] };
    for (const change of [{ at: at(0) }, { report }, { address: '203.0.113.9' }]) {
      expect(await refusal({ ...request, ...change })).toMatch(/does not hold the key/);
    }
  });
});
