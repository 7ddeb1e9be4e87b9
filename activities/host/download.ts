/** The download activity: waits for its turn, downloads, and reports the result or the failure with all tries. */
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { classifyError } from '../../images/classify-error.ts';
import type { DownloadedImage } from '../../images/attempt/download-request.ts';
import type { Pool } from '../../images/pools/pool.ts';
import { ImageError, withClass } from '../../model/failures.ts';
import { downloadJob } from '../../model/messages/jobs.ts';
import type { DownloadFailure, DownloadJob, DownloadResult, Try } from '../../model/payloads.ts';
import { heartbeatIntervalMs, latestTriesThatFit } from '../../model/progress.ts';
import type { Progress } from '../../model/progress.ts';
import { sealedUrl, wholeUrl } from './secrets.ts';
import { displayUrl } from '../../model/url.ts';
import { applicationFailure, isWorkerStopping, withHeartbeats } from '../context.ts';
import type { Heartbeat } from '../context.ts';
import { readJob } from './jobs.ts';
import type { HostActivityDeps } from './deps.ts';
import type { RunningDownloads } from './running-downloads.ts';

/** Only the latest tries are reported: a source that cuts every connection makes more than fit into a payload. */
const MAX_TRIES = 64;

/** Nobody misses progress so early. Meanwhile, the identity of the worker tells which start of the host runs the attempt. */
const QUIET_MS = 1000;

export interface DownloadActivityDeps extends HostActivityDeps {
  readonly running: RunningDownloads;
}

export async function downloadOnHost(
  message: DownloadJob,
  deps: DownloadActivityDeps,
): Promise<DownloadResult> {
  const tries: Try[] = [];
  let pool: Pool | undefined;
  try {
    const job = readJob(downloadJob(deps.probes.sources.protocols), message);
    pool = await deps.pools.require(job.poolId);
    const image = await inTurn(job, pool, deps, tries);
    const latest = image.tries.slice(-MAX_TRIES).map(tryWithClass);
    return { v: 1, hostId: deps.hostId, ...image, tries: latest, pool: await pool.report() };
  } catch (error) {
    throw await failureFor(error, { deps, tries, pool });
  } finally {
    deps.running.end(message.attemptId);
  }
}

function inTurn(
  job: DownloadJob,
  pool: Pool,
  deps: DownloadActivityDeps,
  tries: Try[],
): Promise<DownloadedImage> {
  const source = displayUrl(job.url);
  const idle: Progress = { v: 1, phase: 'waiting', bytes: 0, total: job.size, rate: 0, source };
  const withAttempt = (progress: Progress): Progress => ({
    ...progress,
    attempt: {
      id: job.attemptId,
      incarnation: deps.incarnation,
      tries: latestTriesThatFit(tries.map(tryWithClass)),
    },
  });
  return withHeartbeats(
    withAttempt(idle),
    ({ signal, report }) => {
      const heartbeat = {
        signal,
        report(progress: Progress, atOnce?: boolean) {
          deps.running.note(job.attemptId, progress.phase);
          report(withAttempt(progress), atOnce);
        },
      };
      return deps.scheduler.run(
        {
          id: job.attemptId,
          priority: job.priority,
          signal,
          onWaiting: (ahead) => heartbeat.report({ ...idle, ahead }, true),
        },
        () => download(job, pool, { deps, tries, heartbeat }),
      );
    },
    { everyMs: ({ phase }) => heartbeatIntervalMs(phase), quietMs: QUIET_MS },
  );
}

interface RunningDownload {
  readonly deps: HostActivityDeps;
  readonly tries: Try[];
  readonly heartbeat: Heartbeat<Progress>;
}

async function download(
  job: DownloadJob,
  pool: Pool,
  { deps, tries, heartbeat }: RunningDownload,
): Promise<DownloadedImage> {
  const { templateId, copyId, attemptId, format, checksum, size, peer, lineages, healing } = job;
  // Secrets are for the origin: a job that fetches from another host does not open them.
  const secrets = peer === undefined ? await deps.openSealed(job) : undefined;
  const url = peer === undefined ? wholeUrl(job.url, secrets) : job.url;
  const mirrors = job.mirrors.map((mirror) => ({ ...mirror, url: sealedUrl(mirror.url, secrets) }));
  const trace = deps.traceTries?.();
  let latest: Progress | undefined;
  return deps.download(
    {
      pool,
      templateId,
      copyId,
      attemptId,
      url,
      mirrors,
      format,
      checksum,
      size,
      secrets,
      ...(peer === undefined ? {} : { peer }),
      ...(lineages === undefined ? {} : { lineages }),
      ...(healing === undefined ? {} : { healing }),
      signal: heartbeat.signal,
      onProgress(progress) {
        heartbeat.report(progress, progress.phase !== latest?.phase);
        latest = progress;
      },
      onTry(endedTry) {
        trace?.(endedTry);
        tries.push(endedTry);
        if (tries.length > MAX_TRIES) tries.shift();
        if (latest !== undefined) heartbeat.report(latest, true);
      },
    },
    { policy: job.policy, timeouts: job.timeouts },
  );
}

interface FailedDownloadJob {
  readonly deps: HostActivityDeps;
  readonly tries: readonly Try[];
  readonly pool: Pool | undefined;
}

/** The error that the activity ends with: its cancellation when it was cancelled, else the failure; both with all tries. */
async function failureFor(error: unknown, { deps, tries, pool }: FailedDownloadJob): Promise<unknown> {
  const { hostId } = deps;
  const { cancellationSignal, cancellationDetails } = Context.current();
  const poolReport = await pool?.report();
  if (cancellationSignal.aborted && !isWorkerStopping()) {
    const reason = cancellationSignal.reason as Error;
    if (cancellationDetails?.cancelRequested !== true) return reason;
    const endedTries = interrupted(tries, { note: 'stopped: the deployment was cancelled' }).map(
      tryWithClass,
    );
    return new CancelledFailure(reason.message, [{ v: 1, hostId, tries: endedTries, pool: poolReport }]);
  }
  const imageError = cancellationSignal.aborted
    ? new ImageError('HostGone', 'the host worker was stopped during the download')
    : classifyError(error);
  deps.onFailure('download', imageError);
  const failure = imageError.toFailure();
  const detail: DownloadFailure = {
    v: 1,
    failure: withClass(failure),
    hostId,
    tries: (cancellationSignal.aborted ? interrupted(tries, { failure }) : tries).map(tryWithClass),
    ...(poolReport === undefined ? {} : { pool: poolReport }),
  };
  return applicationFailure(failure, detail);
}

const tryWithClass = ({ failure, ...rest }: Try): Try =>
  failure === undefined ? rest : { ...rest, failure: withClass(failure) };

/** The latest try did not fail by itself: it gets the reason why the download was interrupted. */
const interrupted = (tries: readonly Try[], by: Pick<Try, 'failure' | 'note'>): readonly Try[] =>
  tries.map((one, at) => (at === tries.length - 1 && one.failure === undefined ? { ...one, ...by } : one));
