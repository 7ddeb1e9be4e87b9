/** listVirtualMachines, listNics and listVolumes: who sees what, the filters, the progress of starts, the types of fields. */
import type { Json, Parameters } from '../labs/api.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { isFullRun } from '../support/programs.ts';
import { addNetwork, type Machines, openMachines } from './machines.ts';

let m: Machines;
/** Of alice: one that runs, one that is stopped, one that is destroyed, one that is being expunged. */
let running: string;
let stopped: string;
let destroyed: string;
let expunging: string;
let ofBob: string;

beforeAll(async () => {
  m = await openMachines();
  running = (await m.deploy(m.lab.user, { name: 'running', displayname: 'Web server', group: 'web' })).id;
  stopped = (await m.deploy(m.lab.user, { name: 'stopped' })).id;
  destroyed = (await m.deploy(m.lab.user, { name: 'destroyed' })).id;
  expunging = (await m.deploy(m.lab.user, { name: 'expunging' })).id;
  ofBob = (await m.deploy(m.lab.other, { name: 'bobs' })).id;
  await m.settle(running, 'Running');
  await m.settle(stopped, 'Stopped');
  await m.settle(destroyed, 'Destroyed');
  await m.settle(expunging, 'Expunging');
  await m.settle(ofBob, 'Running');
});
afterEach(() => m.lab.orchestration.forget());
afterAll(() => m.lab.close());

const NONE = '00000000-0000-4000-8000-000000000000';

const namesOf = (answer: Json): readonly string[] =>
  (answer.virtualmachine ?? []).map(({ name }: Json) => name as string);
const names = async (parameters: Parameters = {}, who = m.lab.user): Promise<readonly string[]> =>
  namesOf(await who.ok('listVirtualMachines', parameters));

const setStopped = (values: Json) =>
  m.lab.db.updateTable('vm_instance').set(values).where('uuid', '=', stopped).execute();

const poolId = async (): Promise<number> =>
  (await m.lab.db.selectFrom('storage_pool').select('id').executeTakeFirstOrThrow()).id;

const vmsOf = ({ volume = [] }: Json): readonly string[] =>
  volume.map(({ vmname }: Json) => vmname as string);

const queries = async (command: string): Promise<number> => {
  m.lab.queries();
  await m.lab.admin.ok(command);
  return m.lab.queries();
};

describe('who sees which machines', () => {
  test('users their own, without those that are destroyed, whatever state they ask for', async () => {
    expect(await names()).toEqual(['running', 'stopped']);
    expect(await names({ state: 'Destroyed' })).toEqual([]);
    expect(await names({ state: 'Present' })).toEqual(['running', 'stopped']);
    expect((await m.lab.user.call('listVirtualMachines', { id: ofBob })).status).toBe(431);
    expect((await m.lab.user.call('listVirtualMachines', { account: 'bob' })).status).toBe(531);
    expect(await m.lab.user.ok('listVirtualMachines', { id: destroyed })).toEqual({});
    await m.lab.admin.ok('updateConfiguration', { name: 'allow.user.view.destroyed.vm', value: true });
    expect(await names()).toEqual(['running', 'stopped', 'destroyed', 'expunging']);
    await m.lab.admin.ok('resetConfiguration', { name: 'allow.user.view.destroyed.vm' });
  });

  test('administrators all, but those of a pod without the destroyed ones', async () => {
    expect(await names({}, m.lab.admin)).toEqual(['running', 'stopped', 'destroyed', 'expunging', 'bobs']);
    expect(await names({ state: 'present' }, m.lab.admin)).toEqual(['running', 'stopped', 'bobs']);
    expect(await names({ state: 'destroyed' }, m.lab.admin)).toEqual(['destroyed']);
    expect(await names({ account: 'bob', domainid: undefined }, m.lab.admin)).toEqual(['bobs']);
    const { pod } = await m.lab.admin.ok('listPods');
    expect(await names({ podid: pod[0].id }, m.lab.admin)).toEqual(['running', 'bobs']);
  });

  test('what a list does not ask for stays sealed; what cannot be opened is left out, and the rest is answered', async () => {
    const secretsOf = async (parameters: Parameters): Promise<Json> => {
      const { virtualmachine } = await m.lab.user.ok('listVirtualMachines', parameters);
      return Object.fromEntries(
        virtualmachine.map(({ name, userdata, userdatadetails }: Json) => [
          name,
          { userdata, userdatadetails },
        ]),
      );
    };
    for (const [id, site] of [
      [running, 'east'],
      [stopped, 'west'],
    ])
      await m.lab.user.ok('updateVirtualMachine', { id, userdata: 'QUFB', 'userdatadetails[0].site': site });
    expect(await secretsOf({})).toEqual({ running: {}, stopped: {} });
    const east = { userdatadetails: '{"site":"east"}' };
    const asked = {
      running: { userdata: 'QUFB', ...east },
      stopped: { userdata: 'QUFB', userdatadetails: '{"site":"west"}' },
    };
    expect(await secretsOf({ userdata: true })).toEqual(asked);
    const { asyncjobs } = await m.lab.user.ok('listAsyncJobs');
    const job = asyncjobs.find(({ jobresult }: Json) => jobresult?.virtualmachine?.id === running);
    expect(job.jobresult.virtualmachine).not.toHaveProperty('userdatadetails');
    const { jobresult } = await m.lab.user.ok('queryAsyncJobResult', { jobid: job.jobid });
    expect(jobresult.virtualmachine).toMatchObject(east);
    const { user_data_sealed, user_data_details_sealed } = await m.row(running);
    await setStopped({ user_data_sealed, user_data_details_sealed });
    expect(await secretsOf({ userdata: true })).toEqual({ ...asked, stopped: {} });
    expect(await secretsOf({ ids: `${running},${stopped}` })).toEqual({ running: east, stopped: {} });
    for (const id of [running, stopped])
      await m.lab.db
        .updateTable('vm_instance')
        .set({ user_data_sealed: null, user_data_details_sealed: null })
        .where('uuid', '=', id)
        .execute();
  });

  test('hosts are for administrators', async () => {
    const hidden = ['hostid', 'hostname', 'instancename', 'workflowid'];
    const user = await m.shown(running, m.lab.user);
    const admin = await m.shown(running);
    expect(hidden.filter((field) => field in user)).toEqual([]);
    expect(admin).toMatchObject({ hostid: m.host.hostId, hostname: m.host.name });
    expect(admin.instancename).toMatch(new RegExp(`^i-\\d+-\\d+-${admin.id.slice(0, 8)}$`));
    for (const filter of ['hostid', 'podid', 'clusterid', 'storageid'])
      expect((await m.lab.user.call('listVirtualMachines', { [filter]: NONE })).status).toBe(531);
  });

  test('a machine that is not to be shown is for administrators', async () => {
    await m.lab.admin.ok('updateVirtualMachine', { id: stopped, displayvm: false });
    expect(await names()).toEqual(['running']);
    expect(await names({ displayvm: false }, m.lab.admin)).toEqual(['stopped']);
    await m.lab.admin.ok('updateVirtualMachine', { id: stopped, displayvm: true });
  });
});

describe('the filters', () => {
  const filters: readonly (readonly [string, () => Parameters | Promise<Parameters>, readonly string[]])[] = [
    ['id', () => ({ id: running }), ['running']],
    ['ids', () => ({ ids: `${running},${stopped},${NONE}` }), ['running', 'stopped']],
    ['ids of nothing', () => ({ ids: 'x' }), []],
    ['name', () => ({ name: 'running' }), ['running']],
    ['name, which is exact', () => ({ name: 'runn' }), []],
    ['keyword in the name', () => ({ keyword: 'TOPP' }), ['stopped']],
    ['keyword in the display name', () => ({ keyword: 'web s' }), ['running']],
    ['state in any case', () => ({ state: 'RUNNING' }), ['running']],
    ['a state that no machine has', () => ({ state: 'Migrating' }), []],
    ['zone', () => ({ zoneid: m.lab.zone.uuid }), ['running', 'stopped']],
    ['template', () => ({ templateid: m.template }), ['running', 'stopped']],
    ['ISO', () => ({ isoid: m.iso }), []],
    ['service offering', () => ({ serviceofferingid: m.offering }), ['running', 'stopped']],
    ['network', () => ({ networkid: m.network }), ['running', 'stopped']],
    ['another network', async () => ({ networkid: await addNetwork(m.lab, { name: 'empty' }) }), []],
    ['group', async () => ({ groupid: (await m.shown(running)).groupid }), ['running']],
    ['user', () => ({ userid: m.lab.user.userUuid }), ['running', 'stopped']],
    ['key pair', () => ({ keypair: 'none' }), []],
    ['hypervisor', () => ({ hypervisor: 'VMware' }), []],
    ['affinity group', () => ({ affinitygroupid: NONE }), []],
    ['all projects', () => ({ projectid: '-1' }), ['running', 'stopped']],
    ['a project', () => ({ projectid: NONE }), []],
    ['HA', () => ({ haenable: true }), []],
    ['listAll as Marvin spells it', () => ({ listAll: 'True', isRecursive: 'True' }), ['running', 'stopped']],
    ['details', () => ({ details: 'group,nics' }), ['running', 'stopped']],
    ['order', () => ({ orderby: 'name', order: 'desc' }), ['stopped', 'running']],
    ['page', () => ({ page: 2, pagesize: 1 }), ['stopped']],
  ];
  test.each(filters)('%s', async (_filter, given, expected) => {
    expect(await names(await given())).toEqual(expected);
  });

  test('of administrators: host, cluster and pool', async () => {
    const { cluster } = await m.lab.admin.ok('listClusters');
    expect(await names({ hostid: m.host.hostId }, m.lab.admin)).toEqual(['running', 'bobs']);
    expect(await names({ clusterid: cluster[0].id }, m.lab.admin)).toEqual(['running', 'bobs']);
    expect(await names({ storageid: m.poolId }, m.lab.admin)).toEqual([]);
  });

  test('details that CloudStack does not know are refused in its words', async () => {
    const { status, inner } = await m.lab.user.call('listVirtualMachines', { details: 'nics,everything' });
    expect([status, inner.errortext]).toEqual([
      431,
      'The details parameter contains a non permitted value. The allowed values are [all, group, nics, stats, secgrp, tmpl, servoff, diskoff, backoff, iso, volume, min, affgrp]',
    ]);
  });
});

describe('what a machine looks like', () => {
  test('to Terraform and Ansible: fields that they read without a guard, and types that the Go SDK decodes', async () => {
    const shown = await m.shown(running, m.lab.user);
    expect(shown).toMatchObject({
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/),
      displayname: 'Web server',
      templatename: 'debian',
      hypervisor: 'KVM',
      cpunumber: 1,
      memory: 512,
      rootdeviceid: 0,
      haenable: false,
      deleteprotection: false,
      tags: [],
      affinitygroup: [],
      securitygroup: [],
      boottype: 'BIOS',
    });
    expect(shown.nic[0]).toMatchObject({
      deviceid: '0',
      isdefault: true,
      type: 'L2',
      extradhcpoption: [],
      secondaryip: [],
    });
    for (const absent of ['userdata', 'userdataid', 'bootmode', 'diskofferingname', 'keypairs', 'details'])
      expect(shown[absent]).toBeUndefined();
  });

  test('are the same when they are read again', async () => {
    expect(await m.shown(running)).toEqual(await m.shown(running));
  });

  test('metrics are texts', async () => {
    const { virtualmachine } = await m.lab.user.ok('listVirtualMachinesMetrics', { id: running });
    expect(virtualmachine[0]).toMatchObject({
      cputotal: '0.50 Ghz',
      memorytotal: '0.50 GB',
      name: 'running',
    });
  });

  test('on a host that is Down is Unknown, with since when', async () => {
    const seen = await m.lab.db.selectFrom('host').select('last_seen').executeTakeFirstOrThrow();
    await m.lab.db
      .updateTable('host')
      .set({ last_seen: new Date(0) })
      .execute();
    await m.lab.db
      .updateTable('vm_instance')
      .set({ power_state: 'PowerOn', power_state_updated: new Date('2026-01-31T08:00:00Z') })
      .where('uuid', '=', running)
      .execute();
    expect(await m.shown(running)).toMatchObject({
      state: 'Unknown',
      error: `host ${m.host.name} is Down: it is unknown whether the machine runs, since 2026-01-31T08:00:00.000Z`,
      powerstateupdated: '2026-01-31T08:00:00+0000',
    });
    expect((await m.shown(running, m.lab.user)).error).toMatch(/^its host is Down/);
    expect(await names({ state: 'Running' }, m.lab.admin)).toEqual([]);
    expect(await names({ state: 'Unknown' }, m.lab.admin)).toEqual(['running', 'bobs']);
    await m.lab.db.updateTable('host').set(seen).execute();
  });
});

describe('the progress of a start', () => {
  test('through the copy is that of the copy, also with why it waits', async () => {
    await setStopped({ state: 'Starting', phase: 'copy' });
    const { id: diskId } = await m.volume(stopped);
    await m.lab.db
      .updateTable('volumes')
      .set({ pool_id: await poolId() })
      .where('id', '=', diskId)
      .execute();
    const workflowId = copyWorkflowId(m.template, m.poolId);
    m.lab.orchestration.copies.set(workflowId, {
      workflowId,
      runId: 'run',
      type: 'deployment',
      attempt: 2,
      progress: {
        v: 1,
        phase: 'download',
        bytes: 500_000,
        total: 1_000_000,
        rate: 1000,
        source: 'https://a.test/x',
      } as never,
      wait: { reason: 'the source does not answer', until: '2026-01-31T08:00:00Z' } as never,
    });
    expect(await m.shown(stopped, m.lab.user)).toMatchObject({
      state: 'Starting',
      phase: 'copy',
      percent: 45,
      bytes: 500_000,
      total: 1_000_000,
      rate: 1000,
      source: 'https://a.test/x',
      waitreason: 'the source does not answer',
      nexttry: '2026-01-31T08:00:00+0000',
    });
    expect(m.lab.orchestration.of('live')).toEqual([[{ templateId: m.template, poolId: m.poolId }]]);
  });

  test('is not known while Temporal does not answer, and the list comes all the same', async () => {
    m.lab.orchestration.failure = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
    const shown = await m.shown(stopped, m.lab.user);
    expect([shown.phase, shown.percent, shown.bytes]).toEqual(['copy', 0, undefined]);
  });

  test.each([
    ['disk', 90],
    ['boot', 99],
  ])('%s', async (phase, percent) => {
    await setStopped({ phase });
    expect(await m.shown(stopped)).toMatchObject({ phase, percent });
    expect(m.lab.orchestration.of('live')).toEqual([]);
  });

  test('place says why it waits', async () => {
    await setStopped({ phase: 'place', error_str: 'no pool has room for the disk' });
    const shown = await m.shown(stopped, m.lab.user);
    expect(shown).toMatchObject({ phase: 'place', percent: 0, waitreason: 'no pool has room for the disk' });
    expect(shown.error).toBeUndefined();
  });

  test('that has failed says why, and a guest that is paused as well', async () => {
    await setStopped({
      state: 'Error',
      phase: null,
      error_str: 'the image is damaged',
      error_kind: 'ImageRefused',
    });
    const shown = await m.shown(stopped, m.lab.user);
    expect(shown).toMatchObject({ state: 'Error', error: 'the image is damaged', errorkind: 'ImageRefused' });
    expect([shown.phase, shown.percent, shown.waitreason]).toEqual([undefined, undefined, undefined]);
    await setStopped({
      state: 'Running',
      error_str: null,
      error_kind: null,
      power_reason: 'I/O error: no space left',
    });
    expect((await m.shown(stopped)).error).toBe('I/O error: no space left');
    await setStopped({ state: 'Stopped', power_reason: null });
  });
});

describe('listNics', () => {
  test('lists the cards of one machine', async () => {
    const { count, nic } = await m.lab.user.ok('listNics', { virtualmachineid: running });
    expect([count, nic[0].networkid, nic[0].virtualmachineid]).toEqual([1, m.network, running]);
    const one = { virtualmachineid: running, nicid: nic[0].id };
    expect((await m.lab.user.ok('listNics', one)).count).toBe(1);
    expect(await m.lab.user.ok('listNics', { virtualmachineid: running, nicid: NONE })).toEqual({});
    expect((await m.lab.other.call('listNics', { virtualmachineid: running })).status).toBe(431);
  });
});

describe('listVolumes', () => {
  test('has the one disk of a machine, in whole gigabytes', async () => {
    const { count, volume } = await m.lab.user.ok('listVolumes', { type: 'ROOT', virtualmachineid: running });
    expect(count).toBe(1);
    expect(volume[0]).toMatchObject({
      name: expect.stringMatching(/^ROOT-\d+$/),
      type: 'ROOT',
      state: 'Allocated',
      size: 20 * 2 ** 30,
      deviceid: 0,
      virtualmachineid: running,
      vmname: 'running',
      vmstate: 'Running',
      templateid: m.template,
      serviceofferingid: m.offering,
      tags: [],
    });
    expect(volume[0].path).toBeUndefined();
    expect((await m.lab.admin.ok('listVolumes', { id: volume[0].id })).volume[0].path).toBe(volume[0].id);
    expect((await m.lab.other.call('listVolumes', { id: volume[0].id })).status).toBe(431);
  });

  test('of users without those of destroyed machines, and by pool for administrators', async () => {
    expect(vmsOf(await m.lab.user.ok('listVolumes'))).toEqual(['running', 'stopped']);
    expect(vmsOf(await m.lab.admin.ok('listVolumes', { listall: true }))).toHaveLength(5);
    expect(vmsOf(await m.lab.admin.ok('listVolumes', { storageid: m.poolId }))).toEqual(['stopped']);
    expect(await m.lab.user.ok('listVolumes', { type: 'DATADISK' })).toEqual({});
    expect((await m.lab.user.call('listVolumes', { storageid: m.poolId })).status).toBe(531);
    expect((await m.lab.user.call('listVolumes', { id: NONE })).status).toBe(431);
  });
});

test('the number of queries of the lists does not grow with their rows', async () => {
  const few = [await queries('listVirtualMachines'), await queries('listVolumes')];
  for (let n = 0; n < (isFullRun ? 200 : 20); n += 1) await m.deploy(m.lab.user, { networkids: m.network });
  expect([await queries('listVirtualMachines'), await queries('listVolumes')]).toEqual(few);
  expect(Math.max(...few)).toBeLessThan(12);
});
