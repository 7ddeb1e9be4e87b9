/** Starting deployments, and following them to their end. */
import type { DeploymentAnswer, JobAnswer } from './answers.ts';
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

/** One call of prepareTemplate. */
export interface Target {
  readonly zoneId: string;
  /** Every pool of the zone when undefined. */
  readonly poolId?: string;
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

/** By template, then by pool. */
export async function listDeployments(
  api: ApiClient,
  parameters: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<readonly DeploymentAnswer[]> {
  const rows = await api.list<DeploymentAnswer>(
    'listTemplateDeployments',
    'templatedeployment',
    parameters,
    signal,
  );
  return rows.toSorted(
    (a, b) => order(a.templatename, b.templatename) || order(a.storagename, b.storagename),
  );
}

/** pool2 before pool10. */
const { compare: order } = new Intl.Collator('en', { numeric: true });

/**
 * Tells that deployments have begun or, with `wait`, follows them and tells how each ended.
 * @param more what the JSON answer has beside template, jobs and deployments
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
  const told = outcomes.some(({ ok }) => !ok) && out.format === 'table';
  if (!told) throw new CliError(errorOf(failed[0] as JobAnswer));
  return exitCodes.failed;
}

interface Followed {
  readonly jobs: readonly JobAnswer[];
  readonly deployments: readonly DeploymentAnswer[];
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
        // Asked for after the jobs: when these are over, it shows how they ended.
        const deployments = await look(session.api, image.id, started, jobs, wait);
        if (jobs.every(isOver)) return { jobs, deployments };
        const rows = deployments.map((each) => progressAfter(shown.get(each.id), each));
        shown = new Map(rows.map((row) => [row.id, row]));
        wait.view.update(rows);
        await wait.pause();
      }
    },
  );

/** The deployments that these jobs are about. */
async function look(
  api: ApiClient,
  templateid: string,
  started: readonly Started[],
  jobs: readonly JobAnswer[],
  { ask }: Wait,
): Promise<readonly DeploymentAnswer[]> {
  const all = await ask((signal) => listDeployments(api, { templateid }, signal));
  return all.filter((deployment) =>
    started.some(({ target }, i) => belongs(deployment, target, jobs[i] as JobAnswer)),
  );
}

/** A job that succeeded names its deployments; until then, and when it failed, they are those of its pools. */
function belongs(d: DeploymentAnswer, { zoneId, poolId }: Target, job: JobAnswer): boolean {
  const named = job.jobresult?.templatedeployment;
  if (named !== undefined) return named.some(({ id }) => id === d.id);
  const there = poolId === undefined ? d.zoneid === zoneId : d.storageid === poolId;
  return there && isCurrent(d, parseTime(job.created));
}

/** What failed or was cancelled before a job began, on a pool that it leaves out, is none of its own. */
function isCurrent(d: DeploymentAnswer, since: number): boolean {
  const stage = stageOf(d);
  return (stage !== 'failed' && stage !== 'cancelled') || !(parseTime(d.lastupdated) < since);
}

const sinceOf = (jobs: readonly JobAnswer[]): number =>
  Math.min(...jobs.map(({ created }) => parseTime(created)).filter((time) => !Number.isNaN(time)));
