/**
 * What tests of workflows share: the real control worker's workflows and activities on a real database and a real
 * Temporal server. Only what hosts do is scripted: plain functions on the hosts' queues.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { createControlActivities } from '../../activities/control.ts';
import type { Database } from '../../db/database.ts';
import { createJob } from '../../db/jobs.ts';
import type { CopyUuids } from '../../db/jobs.ts';
import type { Row } from '../../db/tables.ts';
import { CONTROL_QUEUE, UPKEEP_WORKFLOW_ID, copyWorkflowId, workflowTypes } from '../../model/names.ts';
import type { RegistrationInput, Wait } from '../../model/payloads.ts';
import type { CopyTiming, UpkeepTiming } from '../../model/timing.ts';
import { createOrchestration } from '../../orchestration/client.ts';
import type { LiveCopy, Orchestration } from '../../orchestration/client.ts';
import { masterKeyOf } from '../../trust/master-key.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { freshDatabase } from './postgres.ts';
import type { TestDatabase } from './postgres.ts';
import { startScriptedHost } from './scripted-host.ts';
import type { HostScript, ScriptedHost } from './scripted-host.ts';
import { registrationInput, templateRow } from './templates.ts';
import { testTemporal, workflowBundle } from './temporal.ts';
import type { TestTemporal } from './temporal.ts';
import { until } from './until.ts';

/** Short, so that tests take seconds. */
export const QUICK_TIMING: Partial<CopyTiming> = {
  takeMs: 1500,
  heartbeatMs: 1500,
  quickTakeMs: 1500,
  hostWait: { firstMs: 100, mostMs: 500 },
  spaceWait: { firstMs: 100, mostMs: 500 },
  sourceWaitsMs: [50, 100],
  throttleWait: { firstMs: 100, mostMs: 500 },
  throttleRounds: 2,
  reportFreshMs: 0,
};

const HURRIED_UPKEEP: UpkeepTiming = { watchEveryMs: 200, roundMs: 200, idleMs: 0, reportMs: 0 };

export interface NewHost {
  readonly name: string;
  /** Not started: its row says that it is Up, but nobody takes its jobs. */
  readonly dead?: boolean;
  /** By name; a pool of its own when absent. Hosts with the same name share one. */
  readonly pool?: string;
  readonly script?: HostScript;
}

export interface ControlLab {
  readonly db: Database;
  readonly database: TestDatabase;
  readonly temporal: TestTemporal;
  readonly orchestration: Orchestration;
  readonly masterKey: MasterKey;
  readonly zoneId: string;
  readonly accountId: string;
  readonly userId: string;
  addHost(host: NewHost): Promise<ScriptedHost>;
  /** UUID of a pool by its name. */
  poolId(name: string): string;
  registration(changes?: Partial<RegistrationInput>): RegistrationInput;
  /** A template that is registered already. @returns its UUID */
  addTemplate(changes?: {
    readonly size?: number;
    readonly sealed?: string;
    readonly uuid?: string;
  }): Promise<string>;
  /** Asks for a deployment as the API does. @returns the job's UUID */
  prepare(copy: CopyUuids): Promise<string>;
  /** The job, once it has ended. */
  finished(jobId: string): Promise<Row<'async_job'>>;
  /** What runs for the copy. */
  live(copy: CopyUuids): Promise<LiveCopy | undefined>;
  /** Why the copy waits, once it does for such a reason. */
  waiting(copy: CopyUuids, reason: RegExp): Promise<Wait>;
  workflow(copy: CopyUuids): WorkflowHandle;
  /** The upkeep workflow, hurried. */
  startUpkeep(): Promise<WorkflowHandle>;
  /** Ends the control worker, and starts another, which knows nothing. */
  restartControl(): Promise<void>;
  copy(copy: CopyUuids): Promise<Row<'template_spool_ref'> | undefined>;
  attempts(copy: CopyUuids): Promise<readonly Row<'download_attempt'>[]>;
  close(): Promise<void>;
}

export async function openControlLab(timing: Partial<CopyTiming> = QUICK_TIMING): Promise<ControlLab> {
  const [database, temporal, bundle] = await Promise.all([freshDatabase(), testTemporal(), workflowBundle()]);
  const { db } = database;
  const orchestration = createOrchestration(temporal.client, { timing });
  const masterKey = masterKeyOf([randomBytes(32)]);
  const startControl = async () => {
    const worker = await Worker.create({
      connection: temporal.connection,
      namespace: temporal.namespace,
      taskQueue: CONTROL_QUEUE,
      workflowBundle: bundle,
      activities: createControlActivities({ db, orchestration, masterKey }),
      maxConcurrentActivityTaskExecutions: 200,
      shutdownForceTime: '1 second',
    });
    return { worker, running: worker.run() };
  };
  let control = await startControl();
  const place = await makePlace(db);
  const pools = new Map<string, string>();
  const hosts: ScriptedHost[] = [];
  const poolId = (name: string): string => {
    const id = pools.get(name) ?? randomUUID();
    pools.set(name, id);
    return id;
  };

  return {
    db,
    database,
    temporal,
    orchestration,
    masterKey,
    ...place.ids,
    poolId,

    async addHost({ name, dead, pool, script }) {
      const shared = pool !== undefined;
      const host = await startScriptedHost({
        temporal,
        db,
        name,
        zone: place.zone,
        cluster: place.cluster,
        pool: { id: poolId(pool ?? name), name: pool ?? name, shared },
        dead: dead === true,
        script: script ?? {},
      });
      hosts.push(host);
      return host;
    },

    registration: (changes = {}) => ({ ...registrationOf(place.ids), ...changes }),

    async addTemplate({ size = 1000, sealed, uuid = randomUUID() } = {}) {
      const { id } = await db
        .insertInto('vm_template')
        .values({
          ...templateRow(uuid),
          size,
          virtual_size: size,
          account_id: place.account,
          sealed: sealed ?? null,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      await db.insertInto('template_zone_ref').values({ template_id: id, zone_id: place.zone }).execute();
      await db.insertInto('template_store_ref').values({ template_id: id, size }).execute();
      return uuid;
    },

    async prepare(copy) {
      const jobId = await createJob(db, {
        accountId: place.ids.accountId,
        userId: place.ids.userId,
        cmd: 'prepareTemplate',
        instanceType: 'Template',
        instanceUuid: copy.templateId,
        copies: [copy],
      });
      await orchestration.requestDeployment(copy);
      return jobId;
    },

    finished: (jobId) =>
      until(`job ${jobId} ends`, async () => {
        const jobs = db.selectFrom('async_job').where('uuid', '=', jobId).selectAll();
        const job = await jobs.executeTakeFirstOrThrow();
        return job.job_status === 0 ? undefined : job;
      }),

    async live(copy) {
      const all = await orchestration.live([copy]);
      return all.get(copyWorkflowId(copy.templateId, copy.poolId));
    },

    waiting: (copy, word) =>
      until(`the copy waits: ${word.source}`, async () => {
        const live = await orchestration.live([copy]);
        const wait = live.get(copyWorkflowId(copy.templateId, copy.poolId))?.wait;
        return wait !== undefined && word.test(wait.reason) ? wait : undefined;
      }),

    workflow: (copy) => temporal.client.workflow.getHandle(copyWorkflowId(copy.templateId, copy.poolId)),

    startUpkeep: () =>
      temporal.client.workflow.start(workflowTypes.upkeep, {
        taskQueue: CONTROL_QUEUE,
        workflowId: UPKEEP_WORKFLOW_ID,
        args: [{ v: 1, timing: HURRIED_UPKEEP }],
      }),

    async restartControl() {
      control.worker.shutdown();
      await control.running;
      control = await startControl();
    },

    copy: (copy) =>
      db
        .selectFrom('template_spool_ref')
        .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
        .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
        .where('vm_template.uuid', '=', copy.templateId)
        .where('storage_pool.uuid', '=', copy.poolId)
        .selectAll('template_spool_ref')
        .executeTakeFirst(),

    attempts: (copy) =>
      db
        .selectFrom('download_attempt')
        .innerJoin('template_spool_ref', 'template_spool_ref.id', 'download_attempt.copy_id')
        .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
        .where('vm_template.uuid', '=', copy.templateId)
        .selectAll('download_attempt')
        .orderBy('download_attempt.id')
        .execute(),

    async close() {
      await Promise.all(hosts.map((host) => host.stop()));
      control.worker.shutdown();
      await control.running;
      await temporal.close();
      await database.close();
    },
  };
}

/** What an operator makes before anything else. */
async function makePlace(db: Database) {
  const account = await db
    .insertInto('account')
    .values({ account_name: 'admin', role: 'admin' })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();
  const user = await db
    .insertInto('user')
    .values({ account_id: account.id, username: 'admin' })
    .returning(['uuid'])
    .executeTakeFirstOrThrow();
  const zone = await db
    .insertInto('data_center')
    .values({ name: 'zone-1' })
    .returning(['id', 'uuid'])
    .executeTakeFirstOrThrow();
  const cluster = await db
    .insertInto('cluster')
    .values({ name: 'cluster-1', data_center_id: zone.id })
    .returning('id')
    .executeTakeFirstOrThrow();
  return {
    account: account.id,
    zone: zone.id,
    cluster: cluster.id,
    ids: { accountId: account.uuid, userId: user.uuid, zoneId: zone.uuid },
  };
}

type Ids = Pick<ControlLab, 'accountId' | 'userId' | 'zoneId'>;

const registrationOf = ({ accountId, userId, zoneId }: Ids): RegistrationInput => ({
  ...registrationInput({ templateId: randomUUID(), accountId, userId, zoneIds: [zoneId] }),
  details: { rootDiskController: 'virtio' },
});
