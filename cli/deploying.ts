/**
 * Starts deployments, and follows them to their end.
 *
 * One call of prepareTemplate starts one job per target: a pool, or a roll-out to many. Following polls two things in this
 * order: first the jobs, then the lists of deployments. The order matters: once all jobs are over, the lists that were read
 * after them show how every deployment ended. Of a roll-out to very many pools only its own counts are read.
 *
 * A job that succeeded names its deployments. A running or failed job names none, so its deployments are found by pool or
 * roll-out; those that failed or were cancelled before the job began are left out, as the job has nothing to do with them.
 *
 * The exit code is 0 only if every job succeeded. Interrupting the wait cancels nothing.
 */
import type { AsyncJob, Deployment, Rollout } from '../model/api-answers.ts';
import type { ApiClient } from './client.ts';
import type { Session } from './command.ts';
import { outcomeOf, progressAfter, stageOf } from './deployments.ts';
import type { Progress } from './deployments.ts';
import { CliError, exitCodes } from './errors.ts';
import type { ExitCode } from './errors.ts';
import { parseTime } from './format.ts';
import type { Named } from './lookup.ts';
import { listRollouts, outcomeOfRollout, progressOfRollout } from './rollouts.ts';
import { isOnePool, parametersOf } from './targets.ts';
import type { Target } from './targets.ts';
import { hang } from './text.ts';
import { askJob, errorOf, hasFailed, isOver, waitFor } from './waiting.ts';
import type { Wait } from './waiting.ts';

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
      ...parametersOf(target),
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
    const [rollout] = started.filter(({ target }) => !isOnePool(target));
    const pausable =
      rollout === undefined ? '' : `; pause or cancel all: bypass rollout pause ${rollout.jobid}`;
    out.remark(`See how far it is: bypass deploy show ${image.name}${pausable}`);
    return exitCodes.ok;
  }
  const { jobs, deployments, rollouts } = await follow(session, image, started);
  const since = sinceOf(jobs);
  const outcomes = deployments.map((deployment) => outcomeOf(deployment, since));
  const lines = [...outcomes.map(({ line }) => line), ...rollouts.flatMap(outcomeOfRollout)];
  if (out.format === 'table') out.lines(lines.flatMap((line) => hang(line, out.width, '  ')));
  else out.done('', { ...value, deployments, ...(rollouts.length === 0 ? {} : { rollouts }) });

  const failed = jobs.filter(hasFailed);
  if (failed.length === 0) return exitCodes.ok;
  const isExplained = (rollouts.length > 0 || outcomes.some(({ ok }) => !ok)) && out.format === 'table';
  if (!isExplained) throw new CliError(errorOf(failed[0] as AsyncJob));
  return exitCodes.failed;
}

interface Followed {
  readonly jobs: readonly AsyncJob[];
  readonly deployments: readonly Deployment[];
  /** Those about so many pools that each is shown as one line. */
  readonly rollouts: readonly Rollout[];
}

/** Pools above which a roll-out is one bar, and not one for each pool. */
const MAX_BARS = 20;

const follow = (session: Session, image: Named, started: readonly Started[]): Promise<Followed> =>
  waitFor(
    session,
    `See how far it is: bypass deploy show ${image.name}; stop it: ${howToStop(image, started)}`,
    async (wait) => {
      const big = await bigRollouts(session.api, started, wait);
      const each = started.filter(({ jobid }) => !big.has(jobid));
      let shown: ReadonlyMap<string, Progress> = new Map();
      for (;;) {
        const jobs = await Promise.all(
          started.map(({ jobid }) => wait.ask((signal) => askJob(session.api, jobid, signal))),
        );
        // Read after the jobs: once all jobs are over, the lists show how each deployment ended.
        const deployments = await look(session.api, image.id, each, jobs, wait);
        const rollouts = await lookAtRollouts(session.api, [...big], wait);
        if (jobs.every(isOver)) return { jobs, deployments, rollouts };
        const rows = deployments.map((one) => progressAfter(shown.get(one.id), one));
        shown = new Map(rows.map((row) => [row.id, row]));
        wait.view.update([...rollouts.map(progressOfRollout), ...rows]);
        await wait.pause();
      }
    },
  );

function howToStop({ name }: Named, started: readonly Started[]): string {
  const [rollout] = started.filter(({ target }) => !isOnePool(target));
  return rollout === undefined
    ? `bypass deploy cancel ${name} --pool POOL`
    : `bypass rollout cancel ${rollout.jobid}`;
}

/** Ids of the roll-outs that are about many pools. */
async function bigRollouts(
  api: ApiClient,
  started: readonly Started[],
  wait: Wait,
): Promise<ReadonlySet<string>> {
  const ids = started.filter(({ target }) => !isOnePool(target)).map(({ jobid }) => jobid);
  const rollouts = await lookAtRollouts(api, ids, wait);
  return new Set(rollouts.filter(({ total }) => total > MAX_BARS).map(({ id }) => id));
}

const lookAtRollouts = async (
  api: ApiClient,
  ids: readonly string[],
  { ask }: Wait,
): Promise<readonly Rollout[]> =>
  (await Promise.all(ids.map((id) => ask((signal) => listRollouts(api, { id }, signal))))).flat();

/** The deployments that these jobs started. */
async function look(
  api: ApiClient,
  templateid: string,
  started: readonly Started[],
  jobs: readonly AsyncJob[],
  { ask }: Wait,
): Promise<readonly Deployment[]> {
  const found = await Promise.all(
    started.map(async ({ target, jobid }) => {
      const job = jobs.find((one) => one.jobid === jobid);
      const where = isOnePool(target) ? { storageid: target.poolIds?.[0] } : { rolloutid: jobid };
      const all = await ask((signal) => listDeployments(api, { templateid, ...where }, signal));
      return all.filter((deployment) => belongs(deployment, job));
    }),
  );
  return found.flat();
}

/** Whether the job started the deployment: by the job's result, or without one by its time. */
function belongs(d: Deployment, job: AsyncJob | undefined): boolean {
  const named = job?.jobresult?.templatedeployment;
  if (named !== undefined) return named.some(({ id }) => id === d.id);
  return isCurrent(d, parseTime(job?.created));
}

/** False for a deployment that failed or was cancelled before the job began. */
function isCurrent(d: Deployment, since: number): boolean {
  const stage = stageOf(d);
  return (stage !== 'failed' && stage !== 'cancelled') || !(parseTime(d.lastupdated) < since);
}

const sinceOf = (jobs: readonly AsyncJob[]): number =>
  Math.min(...jobs.map(({ created }) => parseTime(created)).filter((time) => !Number.isNaN(time)));
