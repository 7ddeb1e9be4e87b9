/**
 * Starts deployments, and follows them to their end.
 *
 * One call of prepareTemplate starts one job per target: a pool, or all pools of a zone. Following polls two things in this
 * order: first the jobs, then the list of deployments. The order matters: once all jobs are over, the list that was read
 * after them shows how every deployment ended.
 *
 * A job that succeeded names its deployments. A running or failed job names none, so its deployments are found by pool or
 * zone; those that failed or were cancelled before the job began are left out, as the job has nothing to do with them.
 *
 * The exit code is 0 only if every job succeeded. Interrupting the wait cancels nothing.
 */
import type { Deployment, AsyncJob } from '../model/api-answers.ts';
import type { ApiClient } from './client.ts';
import type { Session } from './command.ts';
import { outcomeOf, progressAfter, stageOf } from './deployments.ts';
import type { Progress } from './deployments.ts';
import { CliError, exitCodes } from './errors.ts';
import type { ExitCode } from './errors.ts';
import { parseTime } from './format.ts';
import type { Named } from './lookup.ts';
import { hang } from './text.ts';
import { askJob, errorOf, hasFailed, isOver, waitFor } from './waiting.ts';
import type { Wait } from './waiting.ts';

/** Where one call of prepareTemplate deploys to. */
export interface Target {
  readonly zoneId: string;
  /** Default: every pool of the zone. */
  readonly poolId?: string | undefined;
}

export interface Started {
  readonly target: Target;
  readonly jobid: string;
}

export async function startDeployments(
  api: ApiClient,
  templateId: string,
  targets: readonly Target[],
): Promise<readonly Started[]> {
  const started: Started[] = [];
  for (const target of targets) {
    const { jobid } = await api.call<{ readonly jobid: string }>('prepareTemplate', {
      templateid: templateId,
      zoneid: target.zoneId,
      storageid: target.poolId,
    });
    started.push({ target, jobid });
  }
  return started;
}

/** Lists deployments, sorted by template, then by pool. */
export async function listDeployments(
  api: ApiClient,
  parameters: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<readonly Deployment[]> {
  const rows = await api.list<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    parameters,
    signal,
  );
  return rows.toSorted(
    (a, b) => order(a.templatename, b.templatename) || order(a.storagename, b.storagename),
  );
}

/** Natural order: pool2 comes before pool10. */
const { compare: order } = new Intl.Collator('en', { numeric: true });

/**
 * Reports that deployments have begun or, with `wait`, follows them and reports how each ended.
 * @param more further properties of the JSON output, besides template, jobs and deployments
 * @returns failed when a job failed, else ok
 * @throws CliError when a job failed and no deployment explains it
 */
export async function concludeDeployments(
  session: Session,
  image: Named,
  started: readonly Started[],
  wait: boolean,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ExitCode> {
  const { out } = session;
  const jobids = started.map(({ jobid }) => jobid);
  const value = { template: { id: image.id, name: image.name }, jobids, ...more };
  if (!wait) {
    out.done(`Deploying ${image.name}: job ${jobids.join(', ')}`, { ...value, deployments: [] });
    out.remark(`See how far it is: bypass deploy show ${image.name}`);
    return exitCodes.ok;
  }
  const { jobs, deployments } = await follow(session, image, started);
  const since = sinceOf(jobs);
  const outcomes = deployments.map((deployment) => outcomeOf(deployment, since));
  if (out.format === 'table') out.lines(outcomes.flatMap(({ line }) => hang(line, out.width, '  ')));
  else out.done('', { ...value, deployments });

  const failed = jobs.filter(hasFailed);
  if (failed.length === 0) return exitCodes.ok;
  const isExplained = outcomes.some(({ ok }) => !ok) && out.format === 'table';
  if (!isExplained) throw new CliError(errorOf(failed[0] as AsyncJob));
  return exitCodes.failed;
}

interface Followed {
  readonly jobs: readonly AsyncJob[];
  readonly deployments: readonly Deployment[];
}

const follow = (session: Session, image: Named, started: readonly Started[]): Promise<Followed> =>
  waitFor(
    session,
    `See how far it is: bypass deploy show ${image.name}; stop it: bypass deploy cancel ${image.name} --pool POOL`,
    async (wait) => {
      let shown: ReadonlyMap<string, Progress> = new Map();
      for (;;) {
        const jobs = await Promise.all(
          started.map(({ jobid }) => wait.ask((signal) => askJob(session.api, jobid, signal))),
        );
        // Read after the jobs: once all jobs are over, the list shows how each deployment ended.
        const deployments = await look(session.api, image.id, started, jobs, wait);
        if (jobs.every(isOver)) return { jobs, deployments };
        const rows = deployments.map((each) => progressAfter(shown.get(each.id), each));
        shown = new Map(rows.map((row) => [row.id, row]));
        wait.view.update(rows);
        await wait.pause();
      }
    },
  );

/** The deployments that these jobs started. */
async function look(
  api: ApiClient,
  templateid: string,
  started: readonly Started[],
  jobs: readonly AsyncJob[],
  { ask }: Wait,
): Promise<readonly Deployment[]> {
  const all = await ask((signal) => listDeployments(api, { templateid }, signal));
  return all.filter((deployment) =>
    started.some(({ target }, i) => belongs(deployment, target, jobs[i] as AsyncJob)),
  );
}

/** Whether the job started the deployment: by the job's result, or without one by its target. */
function belongs(d: Deployment, { zoneId, poolId }: Target, job: AsyncJob): boolean {
  const named = job.jobresult?.templatedeployment;
  if (named !== undefined) return named.some(({ id }) => id === d.id);
  const isOnTarget = poolId === undefined ? d.zoneid === zoneId : d.storageid === poolId;
  return isOnTarget && isCurrent(d, parseTime(job.created));
}

/** False for a deployment that failed or was cancelled before the job began. */
function isCurrent(d: Deployment, since: number): boolean {
  const stage = stageOf(d);
  return (stage !== 'failed' && stage !== 'cancelled') || !(parseTime(d.lastupdated) < since);
}

const sinceOf = (jobs: readonly AsyncJob[]): number =>
  Math.min(...jobs.map(({ created }) => parseTime(created)).filter((time) => !Number.isNaN(time)));
