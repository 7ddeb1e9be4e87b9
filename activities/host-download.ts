/** The download activity: waits for its turn, downloads, and says how it went to the workflow. */
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { asImageError } from '../images/as-image-error.ts';
import type { DownloadedImage } from '../images/download-request.ts';
import { reportPool } from '../images/pool-report.ts';
import type { Pool } from '../images/pool.ts';
import { ImageError } from '../model/failures.ts';
import type { DownloadFailure, DownloadJob, DownloadResult, Try } from '../model/payloads.ts';
import type { Progress } from '../model/progress.ts';
import { displayUrl } from '../model/url.ts';
import { applicationFailure, beating, isStopping } from './context.ts';
import type { Beat } from './context.ts';
import { requireDownloadJob } from './host-jobs.ts';
import type { HostActivityDeps } from './host.ts';

/** The last ones are told: a source that cuts every connection makes more than fits into a payload. */
const TRIES_TOLD = 64;

export async function downloadOnHost(given: DownloadJob, deps: HostActivityDeps): Promise<DownloadResult> {
  const tries: Try[] = [];
  let pool: Pool | undefined;
  try {
    const job = requireDownloadJob(given);
    pool = await deps.pools.require(job.poolId);
    const image = await inTurn(job, pool, deps, tries);
    const told = image.tries.slice(-TRIES_TOLD);
    return { v: 1, hostId: deps.hostId, ...image, tries: told, pool: await reportPool(pool) };
  } catch (error) {
    throw await explain(error, { deps, tries, pool });
  }
}

function inTurn(
  job: DownloadJob,
  pool: Pool,
  deps: HostActivityDeps,
  tries: Try[],
): Promise<DownloadedImage> {
  const source = displayUrl(job.url);
  const idle: Progress = { v: 1, phase: 'waiting', bytes: 0, total: job.size, rate: 0, source };
  return beating(idle, (beat) =>
    deps.scheduler.run(
      {
        priority: job.priority,
        signal: beat.signal,
        onWaiting: (ahead) => beat.tell({ ...idle, ahead }, true),
      },
      () => work(job, pool, { deps, tries, beat }),
    ),
  );
}

interface Work {
  readonly deps: HostActivityDeps;
  readonly tries: Try[];
  readonly beat: Beat<Progress>;
}

async function work(job: DownloadJob, pool: Pool, { deps, tries, beat }: Work): Promise<DownloadedImage> {
  const { copyId, attemptId, url, mirrors, format, checksum, size } = job;
  const secrets = await deps.openSealed(job);
  let phase = '';
  return deps.download(
    {
      pool,
      copyId,
      attemptId,
      url,
      mirrors,
      format,
      checksum,
      size,
      secrets,
      signal: beat.signal,
      onProgress(progress) {
        beat.tell(progress, progress.phase !== phase);
        phase = progress.phase;
      },
      onTry(ended) {
        tries.push(ended);
        if (tries.length > TRIES_TOLD) tries.shift();
      },
    },
    { policy: job.policy, timeouts: job.timeouts },
  );
}

interface Ended {
  readonly deps: HostActivityDeps;
  readonly tries: readonly Try[];
  readonly pool: Pool | undefined;
}

/** What the activity ends with: its cancellation when it was cancelled, else the failure with all that it tried. */
async function explain(error: unknown, { deps, tries, pool }: Ended): Promise<unknown> {
  const { hostId } = deps;
  const { cancellationSignal, cancellationDetails } = Context.current();
  const reported = pool === undefined ? undefined : await reportPool(pool);
  if (cancellationSignal.aborted && !isStopping()) {
    const reason = cancellationSignal.reason as Error;
    if (cancellationDetails?.cancelRequested !== true) return reason;
    const told = brokenOff(tries, { note: 'stopped: the deployment was cancelled' });
    return new CancelledFailure(reason.message, [{ v: 1, hostId, tries: told, pool: reported }]);
  }
  const failure = cancellationSignal.aborted
    ? new ImageError('HostGone', 'the host worker was stopped during the download')
    : asImageError(error);
  deps.onFailure('download', failure);
  const told = failure.toFailure();
  const detail: DownloadFailure = {
    v: 1,
    failure: told,
    hostId,
    tries: cancellationSignal.aborted ? brokenOff(tries, { failure: told }) : tries,
    ...(reported === undefined ? {} : { pool: reported }),
  };
  return applicationFailure(told, detail);
}

/** The last try did not fail by itself; what ended it is told with it. */
const brokenOff = (tries: readonly Try[], by: Pick<Try, 'failure' | 'note'>): readonly Try[] =>
  tries.map((one, at) => (at === tries.length - 1 && one.failure === undefined ? { ...one, ...by } : one));
