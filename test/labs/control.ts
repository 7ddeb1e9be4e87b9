/**
 * The control lab: the workflows and activities of the control worker on a real database and a real Temporal server.
 * Only hosts are scripted: plain functions on the hosts' queues.
 */
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { randomBytes, randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { WorkerOptions, WorkflowBundleOption } from '@temporalio/worker';
import { createControlActivities } from '../../activities/control/activities.ts';
import type { Database } from '../../db/database.ts';
import { removeHost } from '../../db/hosts/hosts.ts';
import { createDeploymentJob } from '../../db/jobs/jobs.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { recordRegistration } from '../../db/templates/registrations.ts';
import type { Row } from '../../db/tables.ts';
import { allZones } from '../../db/zones/zones.ts';
import {
  CONTROL_QUEUE,
  UPKEEP_WORKFLOW_ID,
  copyWorkflowId,
  reportsWorkflowId,
  workflowTypes,
} from '../../model/names.ts';
import type { Protocols } from '../../model/protocols.ts';
import type { RegistrationInput, Wait } from '../../model/payloads.ts';
import type { Secrets } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import type { CopyTiming, UpkeepTiming } from '../../model/timing.ts';
import type { RolloutTiming } from '../../model/rollout.ts';
import type { VmTiming } from '../../model/vm-timing.ts';
import { createOrchestration } from '../../orchestration/client.ts';
import type { LiveCopy } from '../../orchestration/live.ts';
import type { Orchestration } from '../../orchestration/orchestration.ts';
import { isAbsent, waitForEnd } from '../../orchestration/workflow-status.ts';
import { sealSecrets } from '../../trust/at-rest.ts';
import { masterKeyOf } from '../../trust/master-key.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { createOperatorRows } from '../support/operator-rows.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { startScriptedHost } from '../support/scripted-host.ts';
import type { HostScript, ScriptedHost } from '../support/scripted-host.ts';
import { registrationInput, templateRow } from '../support/templates.ts';
import { testTemporal, workflowBundle } from '../support/temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';
import { until } from '../support/until.ts';

/** Short times, so that tests take seconds. */
export const QUICK_TIMING: Partial<CopyTiming> = {
  takeMs: 1500,
  heartbeatMs: 1500,
  quickTakeMs: 1500,
  hostWait: { firstMs: 100, mostMs: 500 },
  peerWait: { firstMs: 100, mostMs: 500 },
  spaceWait: { firstMs: 100, mostMs: 500 },
  sourceWaitsMs: [50, 100],
  throttleWait: { firstMs: 100, mostMs: 500 },
  throttleRounds: 2,
  reportFreshMs: 0,
  roomyReportFreshMs: 0,
};

const QUICK_MACHINES: Partial<VmTiming> = {
  takeMs: 1500,
  heartbeatMs: 1500,
  shutdownMs: 500,
  jobRunMs: 3000,
  hostWait: { firstMs: 100, mostMs: 500 },
  roomWait: { firstMs: 100, mostMs: 500 },
};

const QUICK_ROLLOUTS: Partial<RolloutTiming> = {
  lookAgain: { firstMs: 200, mostMs: 1000 },
  requestMs: 5000,
};

const QUICK_UPKEEP: UpkeepTiming = {
  watchEveryMs: 200,
  roundMs: 200,
  idleMs: 0,
  reportMs: 0,
  reportMostMs: 1000,
  reportsAtLeast: 2,
  reportsAtOnce: 2,
  reportTakeMs: 1000,
  reportRunMs: 5000,
  watchMs: 600_000,
};

export interface NewHost {
  readonly name: string;
  /** Whether the host has only a row, which says Up, and no worker on its queues. */
  readonly dead?: boolean;
  /** Name of its pool; hosts with the same name share the pool. Default: a pool of its own. */
  readonly pool?: string;
  readonly script?: HostScript;
  /** Uploads of its door; absent: it has none. */
  readonly uploads?: number;
  /** Ids of its zone and cluster. Default: those of the lab. */
  readonly place?: { readonly zone: number; readonly cluster: number };
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
  /** Ends upkeep, and removes all hosts with their pools, for a next test that finds none. */
  removeHosts(): Promise<void>;
  /** UUID of a pool by its name. */
  poolId(name: string): string;
  registration(changes?: Partial<RegistrationInput>): RegistrationInput;
  /** The rows of a registration as the API writes them before it starts the workflow. */
  recordSecrets(input: RegistrationInput, secrets: Secrets): Promise<void>;
  /** Adds a registered template. @returns its UUID */
  addTemplate(changes?: {
    readonly size?: number;
    readonly secrets?: Secrets;
    readonly uuid?: string;
    readonly format?: TemplateFormat;
    readonly checksum?: string;
  }): Promise<string>;
  /** Requests a deployment as the API does. @returns the job's UUID */
  prepare(copy: CopyUuids): Promise<string>;
  /** Waits until the job has ended. */
  finished(jobId: string): Promise<Row<'async_job'>>;
  /** State of the copy's workflow, if one runs. */
  live(copy: CopyUuids): Promise<LiveCopy | undefined>;
  /** Waits until the copy waits for a reason that matches. */
  waiting(copy: CopyUuids, reason: RegExp): Promise<Wait>;
  workflow(copy: CopyUuids): WorkflowHandle;
  /** Waits until the copy's workflow has ended, successfully or not. */
  copyEnded(copy: CopyUuids): Promise<void>;
  /** Starts the upkeep workflow with short times. @param times other ones */
  startUpkeep(times?: Partial<UpkeepTiming>): Promise<WorkflowHandle>;
  /** Ends upkeep, and the collecting of reports that it began. */
  endUpkeep(): Promise<void>;
  /** Replaces the control worker by a new one without a cache of workflows. @param bundle other workflows */
  restartControl(bundle?: WorkflowBundleOption): Promise<void>;
  /** Runs a function while no worker runs workflows; activities go on. */
  withoutWorkflows(meanwhile: () => Promise<void>): Promise<void>;
  copy(copy: CopyUuids): Promise<Row<'template_spool_ref'> | undefined>;
  attempts(copy: CopyUuids): Promise<readonly Row<'download_attempt'>[]>;
  close(): Promise<void>;
}

export interface ControlLabOptions {
  readonly timing?: Partial<CopyTiming>;
  readonly rolloutTiming?: Partial<RolloutTiming>;
  /** Maximum concurrent activities of the control worker. Default 200. */
  readonly activitySlots?: number;
  /** Address of a Temporal server. Default: that of the test run. */
  readonly temporalAddress?: string;
  /** Protocols that hosts fetch by. Default: those of the registry. */
  readonly protocols?: Protocols;
}

export async function openControlLab({
  timing = QUICK_TIMING,
  rolloutTiming = {},
  activitySlots = 200,
  temporalAddress,
  protocols = PROTOCOLS,
}: ControlLabOptions = {}): Promise<ControlLab> {
  const [database, temporal] = await Promise.all([freshDatabase(), testTemporal(temporalAddress)]);
  const { db } = database;
  const orchestration = createOrchestration(temporal.client, {
    timing,
    vmTiming: QUICK_MACHINES,
    rolloutTiming: { ...QUICK_ROLLOUTS, ...rolloutTiming },
  });
  const masterKey = masterKeyOf([randomBytes(32)]);
  const start = async (options: Pick<WorkerOptions, 'workflowBundle' | 'enableNonLocalActivities'>) => {
    const worker = await Worker.create({
      ...options,
      connection: temporal.connection,
      namespace: temporal.namespace,
      taskQueue: CONTROL_QUEUE,
      activities: createControlActivities({ db, orchestration, masterKey, protocols }),
      maxConcurrentActivityTaskExecutions: activitySlots,
      shutdownForceTime: '1 second',
    });
    const running = worker.run();
    return {
      async stop(): Promise<void> {
        worker.shutdown();
        await running;
      },
    };
  };
  // Workflows and activities have a worker each, so that a test can stop the workflows alone.
  const startWorkflows = (bundle: WorkflowBundleOption = workflowBundle) =>
    start({ workflowBundle: bundle, enableNonLocalActivities: false });
  const startActivities = () => start({});
  let [workflows, activities] = await Promise.all([startWorkflows(), startActivities()]);
  const { account, user, zone, cluster } = await createOperatorRows(db, {
    zone: 'zone-1',
    cluster: 'cluster-1',
  });
  const ids = { accountId: account.uuid, userId: user.uuid, zoneId: zone.uuid };
  const pools = new Map<string, string>();
  const hosts: ScriptedHost[] = [];
  const poolId = (name: string): string => {
    const id = pools.get(name) ?? randomUUID();
    pools.set(name, id);
    return id;
  };

  const endUpkeep = async (): Promise<void> => {
    const zones = await allZones(db);
    const ended = [UPKEEP_WORKFLOW_ID, ...zones.map(({ uuid }) => reportsWorkflowId(uuid))];
    for (const id of ended) await temporal.client.workflow.getHandle(id).terminate().catch(unlessAbsent);
  };

  const seal = async (template: string, secrets: Secrets | undefined): Promise<string | undefined> =>
    secrets && sealSecrets(masterKey, { use: 'template', template, account: ids.accountId }, secrets);

  return {
    db,
    database,
    temporal,
    orchestration,
    masterKey,
    ...ids,
    poolId,

    async addHost({ name, dead, pool, script, uploads, place }) {
      const shared = pool !== undefined;
      const host = await startScriptedHost({
        temporal,
        db,
        name,
        zone: place?.zone ?? zone.id,
        cluster: place?.cluster ?? cluster.id,
        pool: { id: poolId(pool ?? name), name: pool ?? name, shared },
        dead: dead === true,
        script: script ?? {},
        ...(uploads === undefined ? {} : { uploads }),
      });
      hosts.push(host);
      return host;
    },

    async removeHosts() {
      await endUpkeep();
      const removed = hosts.splice(0);
      await Promise.all(removed.map((host) => host.stop()));
      for (const { hostId } of removed) await removeHost(db, hostId);
      pools.clear();
    },

    async recordSecrets(input, secrets) {
      await recordRegistration(db, input, { sealed: await seal(input.templateId, secrets) });
    },

    registration: (changes = {}) => ({ ...registrationOf(ids), ...changes }),

    async addTemplate({ size = 1000, secrets, uuid = randomUUID(), format = 'QCOW2', checksum } = {}) {
      const { id } = await db
        .insertInto('vm_template')
        .values({
          ...templateRow(uuid),
          format,
          size,
          virtual_size: size,
          ...(checksum === undefined ? {} : { checksum }),
          account_id: account.id,
          sealed: (await seal(uuid, secrets)) ?? null,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      await db.insertInto('template_zone_ref').values({ template_id: id, zone_id: zone.id }).execute();
      await db.insertInto('template_store_ref').values({ template_id: id, size }).execute();
      return uuid;
    },

    async prepare(copy) {
      const { jobId, awaited } = await createDeploymentJob(db, {
        accountId: ids.accountId,
        userId: ids.userId,
        cmd: 'prepareTemplate',
        instanceType: 'Template',
        instanceUuid: copy.templateId,
        copies: [copy],
      });
      await orchestration.requestDeployment(copy, { awaited: awaited.length > 0 });
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

    copyEnded: (copy) => waitForEnd(temporal.client, copyWorkflowId(copy.templateId, copy.poolId)),

    startUpkeep(times = {}) {
      const instead = { ...QUICK_UPKEEP, ...times };
      return temporal.client.workflow.start(workflowTypes.upkeep, {
        taskQueue: CONTROL_QUEUE,
        workflowId: UPKEEP_WORKFLOW_ID,
        args: [{ v: 1, timing: instead, instead }],
      });
    },

    endUpkeep,

    async restartControl(bundle) {
      await Promise.all([workflows.stop(), activities.stop()]);
      [workflows, activities] = await Promise.all([startWorkflows(bundle), startActivities()]);
    },

    async withoutWorkflows(meanwhile) {
      await workflows.stop();
      try {
        await meanwhile();
      } finally {
        workflows = await startWorkflows();
      }
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
      await Promise.all([workflows.stop(), activities.stop()]);
      await temporal.close();
      await database.close();
    },
  };
}

function unlessAbsent(error: unknown): void {
  if (!isAbsent(error)) throw error;
}

type Ids = Pick<ControlLab, 'accountId' | 'userId' | 'zoneId'>;

const registrationOf = ({ accountId, userId, zoneId }: Ids): RegistrationInput => ({
  ...registrationInput({ templateId: randomUUID(), accountId, userId, zoneIds: [zoneId] }),
  details: { rootDiskController: 'virtio' },
});
