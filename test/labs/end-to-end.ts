/** The end-to-end lab: a whole installation, an origin of images, and functions for what a client does. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowExecutionInfo } from '@temporalio/client';
import { isAbsent } from '../../orchestration/workflow-status.ts';
import { ApiError, UnreachableError } from '../../cli/errors.ts';
import type {
  AsyncJob,
  DeployedCopy,
  Deployment,
  Host,
  JobOutcome,
  Template,
} from '../../model/api-answers.ts';
import { openDatabase } from '../../db/database.ts';
import type { Database } from '../../db/database.ts';
import { CONTROL_QUEUE, UPKEEP_WORKFLOW_ID, workflowTypes } from '../../model/names.ts';
import { newRunParameters } from '../../model/rules/released.ts';
import { errnoOf } from '../../platform/errno.ts';
import { PROGRAM } from '../../platform/installation.ts';
import type { ReadyFile } from '../../dev/ready-file.ts';
import { engineOfRun } from '../support/engine.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { partsIn, publishedIn } from '../support/pool-folder.ts';
import { isTestRun, serversOfRun } from '../support/servers-of-run.ts';
import { startStack } from '../support/stack.ts';
import type { Stack, StackOptions } from '../support/stack.ts';
import { searchableText } from '../support/searchable-text.ts';
import { until } from '../support/until.ts';

/** A copy in the result of a job, or as a list has it. */
export type Copy = DeployedCopy & Partial<Deployment>;

export interface Job extends Pick<AsyncJob, 'jobstatus' | 'jobresultcode'> {
  readonly jobresult: Omit<JobOutcome, 'templatedeployment'> & {
    readonly templatedeployment?: readonly Copy[];
  };
}

type Parameters = Readonly<Record<string, string | number | boolean>>;
export interface PoolPlace {
  readonly id: string;
  readonly name: string;
  readonly path: string;
}

export interface HostOptions {
  readonly name: string;
  readonly state: string;
  readonly pools: string;
  readonly invite?: string;
  /** Default `zone1`. */
  readonly zone?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Command that runs the program elsewhere, such as in a network namespace. */
  readonly within?: readonly string[];
  /** File to which its log is appended. Default: none. */
  readonly log?: string;
}

export interface RunningHost {
  readonly pid: number;
  /** Resolves with the signal that ended the host; null when none did. */
  readonly ended: Promise<string | null>;
  stop(): Promise<void>;
}

export interface EndToEnd {
  readonly stack: Stack;
  readonly server: ImageServer;
  readonly temporal: Client;
  readonly db: Database;
  /** Of the database of `db`. */
  readonly databaseUrl: string;
  readonly pools: readonly PoolPlace[];
  /** The first of `pools`. */
  readonly pool: PoolPlace;
  /** UUID of `zone1`, which has all hosts. */
  readonly zoneId: string;
  /** Present process ids: the supervisor restarts killed processes. */
  pids(): ReadyFile['pids'];
  call<T>(command: string, parameters?: Parameters): Promise<T>;
  /** Registers a template. Default: RAW, named after its URL; `format` ISO registers an ISO. */
  register(parameters: Parameters & { readonly url: string }): Promise<Template>;
  /** Registers a template, which must be refused. @returns the refusal */
  refused(
    parameters: Parameters & { readonly url: string },
  ): Promise<{ errorcode: number; errortext: string }>;
  /** Calls prepareTemplate. @returns the job's id */
  prepare(templateId: string, poolId?: string): Promise<string>;
  /** Waits until the job has ended. */
  job(id: string, timeoutMs?: number): Promise<Job>;
  /** Prepares a template and waits for the job. @returns the copies @throws the job's error */
  deploy(templateId: string, poolId?: string): Promise<readonly Deployment[]>;
  delete(format: string, templateId: string): Promise<void>;
  deployments(parameters: Parameters): Promise<readonly Deployment[]>;
  templates(parameters: Parameters): Promise<readonly Template[]>;
  hosts(): Promise<readonly Host[]>;
  listPools(): Promise<readonly PoolPlace[]>;
  /** Number of template rows with this name, in any state. */
  rowsNamed(name: string): Promise<number>;
  workflows(query: string): Promise<readonly ListedWorkflow[]>;
  /** The histories of all workflows about a template, as text. */
  histories(templateId: string): Promise<string>;
  /** Deletes the closed runs of a workflow, as Temporal's retention would. */
  forget(workflowId: string): Promise<void>;
  /** The message that a workflow failed with. */
  failureOf(workflowId: string): Promise<string>;
  /** Makes upkeep repair rows every three seconds instead of each minute. */
  repairSoon(): Promise<void>;
  /** Names in the root of the first pool, without the marker and the folder of part files. */
  published(): Promise<readonly string[]>;
  /** Names in a pool's folder of part files. */
  partsOf(pool: PoolPlace): Promise<readonly string[]>;
  /** Kills a host with SIGKILL; the supervisor restarts it. */
  killHost(name: string): void;
  /** Suspends the supervisor until `resume`, so that killed processes stay dead. */
  freezeSupervisor(): void;
  /** Suspends a host until `resume`: its process stays, but does nothing. */
  freezeHost(name: string): void;
  /** Resumes all suspended processes. */
  resume(): void;
  /** Starts another host worker, as an operator does. */
  runHost(options: HostOptions): Promise<RunningHost>;
  /** Creates an invite. @returns its token */
  invite(): Promise<string>;
  close(): Promise<void>;
}

export interface ListedWorkflow {
  readonly workflowId: string;
  readonly status: string;
  readonly searchAttributes: Readonly<Record<string, unknown>>;
}

export interface EndToEndOptions extends Pick<
  StackOptions,
  'env' | 'command' | 'apis' | 'controls' | 'engine'
> {
  readonly hosts: number;
  /**
   * Whether the installation runs PostgreSQL and Temporal itself, for tests that end them or search their files. Default:
   * false in a test run, whose servers give a database and a namespace sooner; true without one, in benchmarks.
   */
  readonly ownServers?: boolean;
}

/** No host has machines unless a test names a libvirt: that of this machine is not the tests'. */
const NO_LIBVIRT = 'qemu+unix:///system?socket=/nonexistent/libvirt-sock';

export async function openEndToEnd({
  ownServers = !isTestRun(),
  env = {},
  ...options
}: EndToEndOptions): Promise<EndToEnd> {
  const servers = ownServers ? undefined : await serversOfRun();
  const stack = await startStack({
    // The servers of the run are of its engine already.
    ...(ownServers ? { engine: engineOfRun() } : {}),
    ...options,
    env: { ...servers?.env, BYPASS_LIBVIRT_URI: NO_LIBVIRT, ...env },
  });
  const server = await startImageServer();
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const namespace = servers?.namespace ?? 'default';
  const temporal = new Client({ connection, namespace });
  const databaseUrl = await databaseUrlOf(stack);
  const db = openDatabase(databaseUrl);
  const call = <T>(command: string, parameters: Parameters = {}): Promise<T> =>
    stack.api.call<T>(command, parameters);
  const list = async <T>(command: string, key: string, parameters: Parameters = {}): Promise<readonly T[]> =>
    (await call<Record<string, readonly T[] | undefined>>(command, parameters))[key] ?? [];
  const [zone] = await list<{ readonly id: string }>('listZones', 'zone');
  const zoneId = zone?.id ?? '';
  const [osType] = await list<{ readonly id: string }>('listOsTypes', 'ostype');
  const pids = (): ReadyFile['pids'] => (JSON.parse(readFileSync(stack.readyFile, 'utf8')) as ReadyFile).pids;
  const pidOf = (name: string): number => {
    const pid = pids().hosts[Number(/\d+$/.exec(name)?.[0]) - 1];
    if (pid === undefined) throw new Error(`'${name}' is no host of this installation`);
    return pid;
  };
  const frozen = new Set<number>();
  const freeze = (pid: number): void => {
    frozen.add(pid);
    process.kill(pid, 'SIGSTOP');
  };
  const resume = (): void => {
    for (const pid of frozen) {
      try {
        process.kill(pid, 'SIGCONT');
      } catch (error) {
        // It was ended meanwhile.
        if (errnoOf(error) !== 'ESRCH') throw error;
      }
    }
    frozen.clear();
  };

  const register = async (parameters: Parameters & { readonly url: string }): Promise<Template> => {
    const { format = 'RAW', ...rest } = parameters;
    const common = {
      name: new URL(parameters.url).pathname.slice(1),
      displaytext: 'from the end-to-end tests',
      zoneid: zoneId,
      ostypeid: osType?.id ?? '',
      directdownload: true,
      ...rest,
    };
    const [image] =
      format === 'ISO'
        ? await list<Template>('registerIso', 'iso', common)
        : await list<Template>('registerTemplate', 'template', { hypervisor: 'KVM', format, ...common });
    if (image === undefined) throw new Error('the answer names no template');
    return image;
  };

  const deployments = (parameters: Parameters): Promise<readonly Deployment[]> =>
    list<Deployment>('listTemplateDeployments', 'templatedeployment', parameters);

  const job = (id: string, timeoutMs = 120_000): Promise<Job> =>
    until(
      `job ${id} ends`,
      async () => {
        const now = await call<Job>('queryAsyncJobResult', { jobid: id }).catch(unlessReached);
        return now === undefined || now.jobstatus === 0 ? undefined : now;
      },
      timeoutMs,
    );

  const prepare = async (templateid: string, storageid?: string): Promise<string> => {
    const where = storageid === undefined ? {} : { storageid };
    const parameters = { templateid, zoneid: zoneId, ...where };
    return (await call<{ readonly jobid: string }>('prepareTemplate', parameters)).jobid;
  };

  return {
    stack,
    server,
    temporal,
    db,
    databaseUrl,
    pools: stack.pools,
    pool: stack.pools[0] as PoolPlace,
    zoneId,
    pids,
    call,
    register,
    prepare,
    job,
    deployments,
    async refused(parameters) {
      try {
        await register(parameters);
      } catch (error) {
        if (error instanceof ApiError) return { errorcode: error.code, errortext: error.message };
        throw error;
      }
      throw new Error('the registration was not refused');
    },
    async deploy(templateId, poolId) {
      const ended = await job(await prepare(templateId, poolId));
      if (ended.jobstatus !== 1) throw new Error(`the deployment failed: ${ended.jobresult.errortext ?? ''}`);
      return deployments({ templateid: templateId });
    },
    async delete(format, id) {
      const command = format === 'ISO' ? 'deleteIso' : 'deleteTemplate';
      const ended = await job((await call<{ readonly jobid: string }>(command, { id })).jobid);
      if (ended.jobstatus !== 1 || ended.jobresult.success !== true) {
        throw new Error(`the deletion failed: ${JSON.stringify(ended.jobresult)}`);
      }
    },
    templates: (parameters) => list('listTemplates', 'template', { templatefilter: 'all', ...parameters }),
    hosts: () => list('listHosts', 'host', { type: 'Routing' }),
    listPools: () => list('listStoragePools', 'storagepool'),
    async rowsNamed(name) {
      return (await db.selectFrom('vm_template').select('id').where('name', '=', name).execute()).length;
    },
    async workflows(query) {
      const found: WorkflowExecutionInfo[] = [];
      await until(`a workflow is listed for ${query}`, async () => {
        found.length = 0;
        for await (const workflow of temporal.workflow.list({ query })) found.push(workflow);
        return found.length > 0;
      });
      return found.map(({ workflowId, status, searchAttributes }) => ({
        workflowId,
        status: status.name,
        searchAttributes: searchAttributes as Readonly<Record<string, unknown>>,
      }));
    },
    async histories(templateId) {
      const texts: string[] = [];
      for await (const { workflowId, runId } of temporal.workflow.list({
        query: `TemplateId = '${templateId}'`,
      })) {
        const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
        texts.push(searchableText(history));
      }
      return texts.join('\n');
    },
    async forget(workflowId) {
      await temporal.workflow.getHandle(workflowId).result();
      await until(`${workflowId} is forgotten`, async () => {
        const removal = { namespace, workflowExecution: { workflowId } };
        await temporal.workflowService.deleteWorkflowExecution(removal).catch(() => undefined);
        const found = temporal.workflow.getHandle(workflowId).describe();
        return found.then(() => false, isAbsent);
      });
    },
    async failureOf(workflowId) {
      try {
        await temporal.workflow.getHandle(workflowId).result();
      } catch (error) {
        const { cause } = error as Error;
        return (cause as Error | undefined)?.message ?? (error as Error).message;
      }
      throw new Error(`workflow ${workflowId} did not fail`);
    },
    async repairSoon() {
      await temporal.workflow.start(workflowTypes.upkeep, {
        taskQueue: CONTROL_QUEUE,
        workflowId: UPKEEP_WORKFLOW_ID,
        workflowIdConflictPolicy: 'TERMINATE_EXISTING',
        args: [{ v: 1, ...newRunParameters('upkeep', { roundMs: 3000, idleMs: 1000 }) }],
      });
    },
    published: () => publishedIn((stack.pools[0] as PoolPlace).path),
    partsOf: ({ path }) => partsIn(path),
    killHost(name) {
      process.kill(pidOf(name), 'SIGKILL');
    },
    freezeSupervisor: () => freeze(parentOf(pids().control)),
    freezeHost: (name) => freeze(pidOf(name)),
    resume,
    async runHost({
      name,
      state,
      pools,
      invite,
      zone: hostZone = 'zone1',
      env: more = {},
      within = [],
      log,
    }) {
      const file = log === undefined ? undefined : await open(log, 'a');
      const [program, ...args] = [...within, process.execPath, PROGRAM, 'host', 'run'];
      const child = spawn(program, args, {
        env: {
          PATH: process.env['PATH'],
          TEMPORAL_ADDRESS: stack.temporalAddress,
          TEMPORAL_NAMESPACE: namespace,
          BYPASS_STATE_DIR: state,
          BYPASS_HOST_NAME: name,
          BYPASS_ZONE: hostZone,
          BYPASS_CLUSTER: 'cluster1',
          BYPASS_URL_ALLOW: '127.0.0.0/8',
          BYPASS_POOLS: pools,
          BYPASS_LIBVIRT_URI: NO_LIBVIRT,
          ...(invite === undefined ? {} : { BYPASS_INVITE: invite }),
          ...more,
        },
        stdio: file === undefined ? 'ignore' : ['ignore', file.fd, file.fd],
      });
      await once(child, 'spawn');
      await file?.close();
      const ended = once(child, 'exit').then(() => child.signalCode);
      return {
        pid: child.pid as number,
        ended,
        async stop() {
          child.kill('SIGTERM');
          await ended;
        },
      };
    },
    async invite() {
      const answer = await call<{ readonly hostinvite: { readonly token: string } }>('createHostInvite');
      return answer.hostinvite.token;
    },
    async close() {
      resume();
      await db.destroy();
      await connection.close();
      await server.close();
      await stack.remove();
      await servers?.close();
    },
  };
}

/** Treats an api that is restarting as no answer yet. */
function unlessReached(error: unknown): undefined {
  if (!(error instanceof UnreachableError)) throw error;
}

/** Reads the database URL from the environment of the api, since only the processes that use it have it. */
async function databaseUrlOf({ pids }: Stack): Promise<string> {
  const environment = (await readFile(`/proc/${pids.api}/environ`, 'utf8')).split('\0');
  const found = environment.find((entry) => entry.startsWith('BYPASS_DATABASE_URL='));
  return found?.slice('BYPASS_DATABASE_URL='.length) ?? '';
}

function parentOf(pid: number): number {
  const [, parent] = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(parent);
}
