/** What deployments say of the spread of an image: from whom a copy comes, and that it was found damaged. */
import { randomUUID } from 'node:crypto';
import { openCopy } from '../../db/copies/copies.ts';
import { recordAttempt } from '../../db/copies/outcomes.ts';
import { recordVerification } from '../../db/spread/verifications.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { peerUrl } from '../../model/spread.ts';
import type { CopyId } from '../../orchestration/orchestration.ts';
import { addHost, deploy, openLab, poolReport, SIZE } from '../labs/api.ts';
import type { Caller, Json, Lab, Parameters, TestHost } from '../labs/api.ts';

let lab: Lab;
let host: TestHost;
const pools = {
  local: poolReport('local'),
  shared: poolReport('shared', { scope: 'CLUSTER', type: 'SharedMountPoint' }),
};
beforeAll(async () => {
  lab = await openLab();
  host = await addHost(lab, { name: 'kvm-1', pools: [pools.local, pools.shared] });
});
afterAll(() => lab.close());

const list = async (parameters: Parameters, who: Caller = lab.admin): Promise<Json> =>
  (await who.ok('listTemplateDeployments', parameters)).templatedeployment ?? [];

const tried = {
  source: 'http://images.example.org/a',
  startedAt: '2026-03-01T12:00:00.000Z',
  endedAt: '2026-03-01T12:00:30.000Z',
  bytes: SIZE,
};

/** Adds a virtual machine whose disk stands on a copy. */
async function standOn({ templateId, poolId }: CopyId): Promise<void> {
  const { db, user, zone } = lab;
  const idIn = async (table: 'vm_template' | 'storage_pool', uuid: string): Promise<number> =>
    (await db.selectFrom(table).where('uuid', '=', uuid).select('id').executeTakeFirstOrThrow()).id;
  const about = {
    account_id: user.accountId,
    data_center_id: zone.id,
    template_id: await idIn('vm_template', templateId),
  };
  const { id } = await db
    .insertInto('vm_instance')
    .values({
      ...about,
      name: 'web1',
      display_name: 'web 1',
      instance_name: `i-${randomUUID()}`,
      user_id: user.userId,
      service_offering_id: 1,
      cpu: 1,
      ram_size: 256,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db
    .insertInto('volumes')
    .values({ ...about, name: 'ROOT-1', vm_id: id, pool_id: await idIn('storage_pool', poolId), size: SIZE })
    .execute();
}

test('says from whom a copy comes, who takes it from there, and what it has cost', async () => {
  const { templateId } = await lab.template(lab.user, { name: 'spread' });
  const [here, there] = [pools.local, pools.shared].map(({ id }) => ({ templateId, poolId: id })) as [
    CopyId,
    CopyId,
  ];
  await deploy(lab, here, { host, pool: pools.local, tries: [tried] });
  const { copyId } = await openCopy(lab.db, there, 'w', PROTOCOLS);
  const row = async (uuid: string) =>
    (await lab.db.selectFrom('template_spool_ref').where('uuid', '=', uuid).select('id').execute())[0]?.id;
  const [parent] = await list({ templateid: templateId, storageid: here.poolId });
  const hosts = lab.db.selectFrom('host').where('uuid', '=', host.hostId).select('id');
  const { id: hostDbId } = await hosts.executeTakeFirstOrThrow();
  await recordAttempt(lab.db, there, {
    attemptId: randomUUID(),
    hostId: host.hostId,
    hostName: 'kvm-1',
    tries: [{ ...tried, source: peerUrl(host.hostId), bytes: 7 }],
  });
  await lab.db
    .updateTable('template_spool_ref')
    .set({
      fetching: 'peer',
      fetch_host_id: hostDbId,
      parent_copy_id: (await row(parent.id)) ?? 0,
      parent_host_id: hostDbId,
      depth: 1,
    })
    .where('uuid', '=', copyId)
    .execute();
  const [child] = await list({ templateid: templateId, storageid: there.poolId });
  expect(child).toMatchObject({
    sourcehostname: 'kvm-1',
    sourcedeploymentid: parent.id,
    depth: 1,
    originbytes: 0,
    peerbytes: 7,
    source: 'host kvm-1',
    copyinghosts: 0,
  });
  const [giving] = await list({ templateid: templateId, storageid: here.poolId });
  expect(giving).toMatchObject({
    originbytes: SIZE,
    peerbytes: 0,
    copyinghosts: 1,
    copyinghostnames: 'kvm-1',
  });
  const [seen] = (await list({ templateid: templateId }, lab.user)).filter(({ id }: Json) => id === copyId);
  expect(seen).toMatchObject({ depth: 1, source: 'another host' });
  expect(JSON.stringify(seen)).not.toMatch(/kvm-1/);
});

test('says that a copy was found damaged, also of one that machines keep', async () => {
  const { templateId } = await lab.template(lab.user, { name: 'rotten' });
  const copy = { templateId, poolId: pools.local.id };
  await deploy(lab, copy, { host, pool: pools.local });
  const [{ id: copyId }] = await list({ templateid: templateId });
  await standOn(copy);
  const verify = (sha256: string | undefined) =>
    recordVerification(
      lab.db,
      { copy, outcomeId: randomUUID(), workflowId: 'w' },
      { copyId, sha256, host: { id: host.hostId, name: 'kvm-1' } },
    );
  const found = async (who?: Caller): Promise<Json> => (await list({ templateid: templateId }, who))[0];
  const error = 'the file on the pool is not the image any more that was published there';
  for (const sha256 of ['cd'.repeat(32), undefined]) {
    expect(await verify(sha256)).toEqual({ isRight: false });
    expect(await found(lab.user)).toMatchObject({ state: 'Ready', errorkind: 'ContentRefused', error });
    expect((await found()).error).toBe(`${error} (host kvm-1)`);
  }
  const { event } = await lab.admin.ok('listEvents', { resourceid: templateId, level: 'ERROR' });
  expect(event.map(({ type }: Json) => type)).toEqual(['TEMPLATE.COPY.VERIFY', 'TEMPLATE.COPY.VERIFY']);
  expect(event[0].description).toMatch(
    /; it stays as it is, since 1 virtual machine stands on it, and is replaced when none of them runs \(host kvm-1\)$/,
  );
  expect(await verify('ab'.repeat(32))).toEqual({ isRight: true });
  expect(await found()).not.toHaveProperty('error');
});
