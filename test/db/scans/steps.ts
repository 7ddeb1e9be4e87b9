/** What the control side does, as one step each: the activities of workflows, on the rows of a fleet. */
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { sql } from 'kysely';
import { createControlActivities } from '../../../activities/control/activities.ts';
import type { ControlDeps } from '../../../activities/control/deps.ts';
import { beginHealing, damagedCopiesOf } from '../../../db/copies/healing.ts';
import { countRunning } from '../../../db/copies/throughput.ts';
import { finishCopy, recordAttempt } from '../../../db/copies/outcomes.ts';
import { readFigures } from '../../../db/figures.ts';
import { recordHeartbeats, recordHostFacts, removeHost } from '../../../db/hosts/hosts.ts';
import { createDeploymentJob } from '../../../db/jobs/jobs.ts';
import { recordFiles } from '../../../db/pools/files.ts';
import { keepOnlyPools, recordPoolReports } from '../../../db/pools/pools.ts';
import { recordHeld } from '../../../db/certificates/certificates.ts';
import { createRollout } from '../../../db/rollouts/rollouts.ts';
import { recordVerification } from '../../../db/spread/verifications.ts';
import { recordDomains } from '../../../db/vms/domains.ts';
import { recordStarted } from '../../../db/vms/states.ts';
import { recordReleased } from '../../../db/vms/volumes.ts';
import { ROLLOUT_TIMING } from '../../../model/rollout.ts';
import { CURRENT_TIMING } from '../../../model/rules/released.ts';
import type { PoolReport } from '../../../model/payloads.ts';
import { peerUrl } from '../../../model/spread.ts';
import type { Orchestration } from '../../../orchestration/orchestration.ts';

export interface Step {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

/** What goes to Temporal while a step runs. */
export interface Traffic {
  /** Takes note of a request to Temporal. */
  readonly request: (method: string) => void;
  /** Takes note of a message between a workflow and an activity. */
  readonly message: (activity: string, bytes: number) => void;
}

/** Temporal takes every request, and no workflow runs. */
const nothingRuns = (hostIds: readonly string[], { request }: Traffic): Orchestration =>
  new Proxy({} as Orchestration, {
    get: (_, method) => () => {
      request(String(method));
      return Promise.resolve(
        method === 'isRunning'
          ? false
          : method === 'heartbeats'
            ? new Map(hostIds.map((id) => [id, { worker: new Date().toISOString() }]))
            : new Map(),
      );
    },
  });

const bytesOf = (message: unknown): number => JSON.stringify(message)?.length ?? 0;

const weighed = <A extends object>(activities: A, { message }: Traffic): A =>
  new Proxy(activities, {
    get:
      (target, name) =>
      async (...given: readonly unknown[]) => {
        const run = Reflect.get(target, name) as (...args: readonly unknown[]) => Promise<unknown>;
        const result = await run(...given);
        message(String(name), Math.max(bytesOf(given), bytesOf(result)));
        return result;
      },
  });

interface Rows {
  /** The UUID of the first row of a table that is so. */
  readonly uuid: (table: string, where?: string) => Promise<string>;
}

/** What several steps need. */
function toolsOf({ db }: Pick<ControlDeps, 'db'>, { uuid }: Rows) {
  const account = () => uuid('account', "role = 'user'");
  const user = () => uuid('user');
  const zone = () => uuid('data_center', "name like 'zone-%'");
  const host = () => uuid('host');
  const poolOf = async (hostId: string): Promise<PoolReport> => {
    const { rows } = await sql<{ id: string; name: string }>`
      select p.uuid as id, p.name from storage_pool p join storage_pool_host_ref r on r.pool_id = p.id
      join host on host.id = r.host_id where host.uuid = ${hostId} and p.scope = 'HOST'`.execute(db);
    const [pool] = rows;
    if (pool === undefined) throw new Error('the host has no pool of its own');
    const { id, name } = pool;
    const kind = { type: 'Filesystem', scope: 'HOST', mounted: true } as const;
    return { id, name, ...kind, path: `/var/lib/bypass/${name}`, capacity: 4e12, free: 2e12 };
  };
  /** The first copy that is so, with its template and pool. */
  const copyThat = async (condition: string) => {
    const { rows } = await sql<{ copyId: string; templateId: string; poolId: string; hostId: string }>`
      select copy.uuid as "copyId", template.uuid as "templateId", pool.uuid as "poolId", host.uuid as "hostId"
      from (select * from template_spool_ref copy where ${sql.raw(condition)} order by id limit 1) copy
      join vm_template template on template.id = copy.template_id join storage_pool pool on pool.id = copy.pool_id
      join storage_pool_host_ref r on r.pool_id = pool.id join host on host.id = r.host_id`.execute(db);
    const [found] = rows;
    if (found === undefined) throw new Error(`no copy is so: ${condition}`);
    return found;
  };
  return { account, user, zone, host, poolOf, copyThat };
}

const act = <T>(work: () => Promise<T>): Promise<T> =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(work);
const step = (name: string, run: () => Promise<unknown>): Step => ({ name, run: () => act(run) });
const outcome = () => ({ outcomeId: randomUUID(), workflowId: 'a workflow' });

/** The steps, in an order: each finds what those before it have left. */
export async function stepsOfControl(
  given: Omit<ControlDeps, 'orchestration'>,
  rows: Rows,
  hostIds: readonly string[],
  traffic: Traffic,
): Promise<readonly Step[]> {
  const { db } = given;
  const { account, user, zone, host, poolOf, copyThat } = toolsOf(given, rows);
  const orchestration = nothingRuns(hostIds, traffic);
  const control = weighed(createControlActivities({ ...given, orchestration }), traffic);
  const wishes = { excluded: [], avoided: [], failedPeers: [], priority: 3 };
  const vmThat = (condition: string) => rows.uuid('vm_instance', `removed is null and ${condition}`);
  const about = async (cmd: string, instanceUuid: string) => ({
    accountId: await account(),
    userId: await user(),
    cmd,
    instanceType: 'Template',
    instanceUuid,
  });
  return [
    step('heartbeats', () => recordHeartbeats(db, new Map(hostIds.map((id) => [id, { worker: 'now' }])))),
    step('warnings of certificates', () => control.warnOfExpiry()),
    step('hosts whose reports are due', async () =>
      control.nextReports(await zone(), CURRENT_TIMING.reports, 0),
    ),
    step('hosts of all zones whose reports are due', () => control.hostsToDescribe(CURRENT_TIMING.upkeep)),
    step('figures', () => readFigures(db)),
    step('a report', async () => {
      const hostId = await host();
      const pool = await poolOf(hostId);
      const before = db.selectFrom('host').where('uuid', '=', hostId).selectAll();
      const { hypervisor, capabilities, peer } = await before.executeTakeFirstOrThrow();
      if (hypervisor === null || capabilities === null || peer === null)
        throw new Error('the host has no report');
      await recordHostFacts(db, hostId, { version: '0.2.0', programs: [], hypervisor, capabilities, peer });
      await recordPoolReports(db, hostId, [pool]);
      await recordHeld(db, hostId, []);
      await control.hostLimitsOf(hostId);
      await control.planKeystore(hostId);
      await control.keystoreOutcome(hostId);
      await control.recordKeystoreFailure(hostId, 'a reason');
      await control.planPeers(await zone(), { except: [], limit: CURRENT_TIMING.peers.hostsAtOnce });
      await recordHeld(db, hostId, await heldOf(hostId));
    }),
    step('domains of a host', async () => {
      const hostId = await host();
      const begun = await control.beginDomains(hostId);
      const running = await rows.uuid('vm_instance', 'host_id is not null and removed is null');
      const domains = [
        { vmId: running, state: 'shutoff' },
        { vmId: randomUUID(), state: 'running' },
      ] as const;
      await recordDomains(db, { v: 1, hostId, domains }, { at: begun?.at ?? '', workflowId: 'w' });
    }),
    step('a deployment', async () => {
      const copy = await copyThat("state = 'Allocated'");
      const { templateId, poolId, hostId } = copy;
      await createDeploymentJob(db, { ...(await about('prepareTemplate', templateId)), copies: [copy] });
      await control.beginCopy({ templateId, poolId }, wishes);
      await control.choosePlace(copy.copyId, 1e9, wishes);
      await control.chooseHost({ copyId: copy.copyId, excluded: [], avoided: [] });
      await control.chooseSource({ copyId: copy.copyId, hostId, failedPeers: [], priority: 3 });
      const at = new Date().toISOString();
      const one = { source: 'https://mirror.example/', startedAt: at, endedAt: at, bytes: 10 };
      const pool = await poolOf(hostId);
      const attemptId = randomUUID();
      await countRunning(db, [{ attemptId, templateId, bytes: 5, begun: new Date() }]);
      const other = { ...one, source: peerUrl(randomUUID()) };
      await recordAttempt(db, copy, { attemptId, hostId, hostName: 'a host', tries: [other], pool });
      // So the control side looks whether the image was passed on, and who could prove it.
      await sql`update vm_template set checksum = null where uuid = ${templateId}`.execute(db);
      await sql`update template_spool_ref set depth = 0 where uuid = ${copy.copyId}`.execute(db);
      const result = {
        v: 1,
        hostId,
        size: 1e9,
        physicalSize: 1e9,
        virtualSize: 2e9,
        fetched: 0,
        sha256: 'ab'.repeat(32),
        installPath: copy.copyId,
        localPath: '/x',
        tries: [one],
        pool,
        lineage: randomUUID(),
      } as const;
      const attempt = { attemptId: randomUUID(), hostId, hostName: 'a host', tries: [one] };
      await finishCopy(db, { copy, ...outcome() }, { result, attempt });
      await control.confirmCopy({ copy, outcomeId: randomUUID() });
    }),
    step('deployments that fail or are cancelled', async () => {
      const copy = await copyThat("state = 'Creating'");
      await control.failCopy({ copy, outcomeId: randomUUID() }, { code: 530, text: 'a reason' });
      const other = await copyThat("state = 'Creating'");
      await control.settleStopped(other, 'a reason');
      await control.cancelCopy({ copy: other, outcomeId: randomUUID() }, 'root');
    }),
    step('a removal', async () => {
      const copy = await copyThat("state = 'Failed'");
      await control.beginRemoval(copy);
      const hostId = await host();
      await sql`delete from template_spool_ref where uuid = ${copy.copyId}`.execute(db);
      await control.beginRemoval({ ...copy, poolId: (await poolOf(hostId)).id }, 10);
    }),
    step('a sweep', () => control.sweep({ idleSeconds: 60, reports: {} })),
    step('a roll-out', async () => {
      const templateId = await rows.uuid('vm_template', "state = 'Active'");
      const { rows: pools } = await sql<{
        uuid: string;
      }>`select uuid from storage_pool where scope = 'HOST'`.execute(db);
      const jobId = await createRollout(db, {
        job: await about('prepareTemplate', templateId),
        poolIds: pools.map((one) => one.uuid),
        template_id: await idOf('vm_template', templateId),
        zone_id: await idOf('data_center', await zone()),
        selection: 'zone',
      });
      await control.advanceRollout(jobId, ROLLOUT_TIMING);
      await control.cancelRollout(jobId, 'root');
      await control.advanceRollout(jobId, ROLLOUT_TIMING);
    }),
    step('verifications', async () => {
      await sql`insert into configuration (name, value) values ('storage.verification.interval', '7')`.execute(
        db,
      );
      const due = await control.nextVerifications(await zone(), hostIds.slice(0, 10), 20);
      if (due.length === 0) throw new Error('nothing is due');
      const copy = await copyThat("state = 'Ready' and error_kind is null");
      await control.copyToVerify(copy);
      const { sha256 } = await db
        .selectFrom('template_spool_ref')
        .where('uuid', '=', copy.copyId)
        .where('sha256', 'is not', null)
        .select(sql<string>`sha256`.as('sha256'))
        .executeTakeFirstOrThrow();
      await sql`delete from image_pieces where sha256 = ${sha256}`.execute(db);
      const pieces = { size: 1e9, length: 4_194_304, hashes: sha256.repeat(239) };
      const found = { copyId: copy.copyId, pieces, host: { id: copy.hostId, name: 'a host' } };
      await recordVerification(db, { copy, ...outcome() }, { ...found, sha256: 'other' });
      await recordVerification(db, { copy, ...outcome() }, { ...found, sha256 });
      await recordVerification(db, { copy, ...outcome() }, { ...found, sha256: 'other' });
      await damagedCopiesOf(db, sha256, 16);
      await beginHealing(db, copy);
    }),
    step('a sweep with verifications and cleanups', async () => {
      await sql`
        insert into configuration (name, value) values ('storage.cleanup.enabled', 'true'), ('storage.cleanup.copies', 'true'),
          ('expunge.delay', '0')`.execute(db);
      await control.sweep({ idleSeconds: 0 });
    }),
    step('a cleanup', async () => {
      await control.nextCleanup(await zone());
      const hostId = await host();
      const { id: poolId } = await poolOf(hostId);
      const look = { poolId, look: randomUUID() };
      const id = randomUUID();
      const file = {
        name: id,
        role: 'other',
        id,
        type: 'file',
        inode: '1',
        size: 1,
        physicalSize: 1,
      } as const;
      await recordFiles(db, look, [{ ...file, modified: new Date().toISOString() }]);
      await control.chooseIdleCopies(poolId, false);
      await control.planFileRemoval(poolId, [{ name: id, inode: '1' }]);
      const job = { dryRun: false, leftovers: [], removed: [], kept: [], copies: [] };
      await control.endLook({ ...look, poolName: 'a pool', jobId: await rows.uuid('async_job'), ...job });
    }),
    step('a start of a machine', async () => {
      const vmId = await vmThat("state = 'Stopped'");
      await control.nextVmTask(vmId);
      const placed = await control.placeVm({ vmId, excludedHosts: [], excludedPools: [] });
      if (placed.outcome !== 'placed') throw new Error(`the machine was not placed: ${placed.outcome}`);
      const { poolId, hostId, images } = placed;
      const [image] = images;
      const copy = { templateId: image?.templateId ?? '', poolId };
      const wait = { vmId, jobId: randomUUID() };
      await control.requestVmCopy(copy, wait, { template: 'a template', pool: 'a pool' });
      await control.vmCopyOutcome(copy, wait.jobId);
      await control.forgetVmCopy(wait.jobId);
      await control.planVmStart(vmId);
      const pool = await poolOf(hostId);
      const disk = { size: 1, physicalSize: 1, pool };
      await recordStarted(db, { v: 1, hostId, vmId, state: 'running', ran: false, addresses: [], ...disk });
      await control.endingVmTask(vmId);
    }),
    step('the end of a machine', async () => {
      const vmId = await vmThat("state = 'Running' and host_id is not null");
      const { rows: hosts } = await sql<{ uuid: string }>`
        select host.uuid from host join vm_instance vm on vm.host_id = host.id where vm.uuid = ${vmId}`.execute(
        db,
      );
      await control.beginVmStop(vmId);
      await control.beginVmExpunge(vmId);
      await control.planVmRelease(vmId, 'all');
      await recordReleased(db, { v: 1, vmId, hostId: hosts[0]?.uuid ?? '', had: true, files: 1 }, []);
      await control.finishVmExpunge({ vmId, jobId: randomUUID(), command: 'expungeVirtualMachine' });
    }),
    step('the deletion of a template', async () => {
      const templateId = await rows.uuid('vm_template', "state = 'Active'");
      await control.beginDeletion(templateId);
      const by = { userId: await user(), accountId: await account() };
      await control.finishDeletion({ v: 1, jobId: randomUUID(), templateId, ...by });
    }),
    step('the removal of a host with its pool', async () => {
      const hostId = await host();
      await keepOnlyPools(db, await idOf('host', hostId), [(await poolOf(hostId)).id]);
      await removeHost(db, hostId);
    }),
    step('a database that was restored', () => control.sweep({ idleSeconds: 60, count: 1000 })),
  ];

  async function idOf(table: string, id: string): Promise<number> {
    const found = await sql<{ id: number }>`select id from ${sql.table(table)} where uuid = ${id}`.execute(
      db,
    );
    return found.rows[0]?.id ?? 0;
  }
  async function heldOf(hostId: string) {
    const found = await sql<{ alias: string; digest: string }>`
      select c.alias, c.digest from direct_download_certificate c join host on host.data_center_id = c.zone_id
      where host.uuid = ${hostId}`.execute(db);
    return found.rows;
  }
}
