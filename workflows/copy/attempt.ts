/**
 * One attempt: one download on one host. It ends in one of five ways:
 *
 *   downloaded   the host published the image; the attempt is recorded together with the copy (`accept`)
 *   failed       the host, or the server in its place, reports a failure; the attempt is recorded here
 *   handed over  the host is drained: it ends the download, and another host goes on from its bytes; recorded as failed
 *   lost         the host joins again while the server still waits for heartbeats; recorded as failed, `HostGone`
 *   cancelled    the deployment was stopped; tries and pool report are recorded, the bytes stay on the pool
 *
 * Every attempt is recorded, whatever its end, since its row shows what was tried. No other host may be sent to the
 * pool's part file before this host has closed it: the cancellation waits for the host (policies.ts, `transfer`).
 */
import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, upsertMemo, uuid4 } from '@temporalio/workflow';
import type { Attempt } from '../../activities/control/copies.ts';
import type { ChosenHost } from '../../activities/control/sealing.ts';
import type { ChosenSource } from '../../activities/control/sources.ts';
import type { HostCall } from '../../model/answer.ts';
import type { History } from '../../model/decisions.ts';
import type { Failure } from '../../model/failures.ts';
import { ATTEMPT_MEMO } from '../../model/names.ts';
import { triesOf } from '../../model/messages/failures.ts';
import { read } from '../../model/messages/schema.ts';
import type { CopyInput, CopyPlan, DownloadJob, DownloadResult, Try } from '../../model/payloads.ts';
import { fromWhom, peerUrl } from '../../model/spread.ts';
import type { PeerFailures } from '../../model/spread.ts';
import type { CopyTiming } from '../../model/timing.ts';
import { AttemptLost, cancelledDownload, failedAttempt, isFailure } from '../failures.ts';
import type { FailedAttempt } from '../failures.ts';
import { control, quick, transfer, transferUnverified } from '../policies.ts';
import { show } from '../status.ts';
import type { Requests } from './requests.ts';

/** The state of a running deployment. */
export interface CopyRun {
  readonly input: CopyInput;
  readonly plan: CopyPlan;
  readonly timing: CopyTiming;
  readonly requests: Requests;
  history: History;
  /** Downloads begun. */
  attempts: number;
  /** Failure of the latest attempt. */
  last: Failure | undefined;
  peerFailures: PeerFailures;
  /** Waits in a row for a host that can give the copy. */
  sourceWaits: number;
  /** Whether the run takes as few trips to the control side as it can: those that began before it could go on as they did. */
  readonly fewTrips: boolean;
}

export interface Downloaded {
  readonly result: DownloadResult;
  readonly attempt: Attempt;
  /** The call whose result it is, while nobody has verified that; whoever records the copy does. */
  readonly call: HostCall | undefined;
  readonly began: string;
}

/**
 * @param source undefined in runs that began before hosts gave copies to each other
 * @throws CancelledFailure when the deployment was stopped meanwhile
 */
export async function downloadOn(
  host: ChosenHost,
  source: ChosenSource | undefined,
  run: CopyRun,
): Promise<Downloaded | FailedAttempt> {
  const { plan, timing } = run;
  const { hostId, hostName } = host;
  const id = { attemptId: uuid4(), hostId, hostName };
  const began = new Date().toISOString();
  let handedOver = false;
  run.attempts += 1;
  // Whoever reads the memo takes a run that has a host and no number to be at its first download.
  if (!run.fewTrips || run.attempts > 1) upsertMemo({ [ATTEMPT_MEMO]: run.attempts });
  const from = source === undefined ? '' : fromWhere(source);
  show(`Host ${hostName} downloads ${plan.templateName}${from} (download ${run.attempts}).`, {
    State: 'Downloading',
    HostId: hostId,
    ...(run.fewTrips ? { ZoneId: plan.zoneId } : {}),
    Reason: null,
  });
  try {
    const summary = `Download ${plan.templateName} on host ${hostName}${from}`;
    const { answer: result, call } = await unlessLost(run, id, async (scope) => {
      run.requests.onHandOver = (drained) => {
        if (drained !== hostId) return;
        handedOver = true;
        scope.cancel();
      };
      run.requests.onRaise = () => void raise(run, id);
      const job = jobFor({ ...host, ...sourceInJob(source) }, id.attemptId, run);
      if (run.fewTrips) return transferUnverified(hostId, timing, summary, job);
      return { answer: await transfer(hostId, timing, summary).download(job), call: undefined };
    });
    const { value: reported = [] } = read(triesOf, result.tries);
    const tries = reported.length > 0 ? reported : [emptyTry(plan, began)];
    return { result, attempt: { ...id, tries }, call, began };
  } catch (error) {
    if (!isFailure(error) && !(error instanceof AttemptLost)) throw error;
    if (CancellationScope.current().consideredCancelled) throw await recordCancelled(run, id, error);
    const where = { ...id, source: nameOf(source, plan), began, handedOver };
    return recordFailed(run, id, failedAttempt(error, where, plan.copyId));
  }
}

/**
 * What follows when what came as the result of a download is none: the host did not sign it, or it cannot be read.
 * @param error of the activity that was to record it
 */
export const recordRefused = (
  error: unknown,
  { attempt: { attemptId, hostId, hostName }, began }: Downloaded,
  source: ChosenSource | undefined,
  run: CopyRun,
): Promise<FailedAttempt> => {
  const id = { attemptId, hostId, hostName };
  const where = { ...id, source: nameOf(source, run.plan), began };
  return recordFailed(run, id, failedAttempt(error, where, run.plan.copyId));
};

/**
 * Temporal's server waits for the heartbeats of a killed host until their time-out ends. A host that joins again reports
 * the attempt as lost at once.
 * @throws AttemptLost when the attempt was reported lost; the work's own error
 */
async function unlessLost<T>(
  run: CopyRun,
  { attemptId }: AttemptId,
  work: (scope: CancellationScope) => Promise<T>,
): Promise<T> {
  const scope = new CancellationScope();
  const working = scope.run(() => work(scope));
  const lost = new Promise<never>((_resolve, reject) => {
    run.requests.onLost = (report) => {
      if (report.attemptId === attemptId) reject(new AttemptLost(report.progress));
    };
  });
  try {
    return await Promise.race([working, lost]);
  } finally {
    run.requests.onLost = () => undefined;
    run.requests.onRaise = () => undefined;
    run.requests.onHandOver = () => undefined;
    // Ends the activity on the server after a loss; its own error has no reader any more.
    working.catch(() => undefined);
    scope.cancel();
  }
}

/** Moves the download forward on its host, where it may still wait for its turn. A host that cannot do it loses nothing. */
async function raise({ plan, timing, requests }: CopyRun, { hostId, attemptId }: AttemptId): Promise<void> {
  const summary = `Raise the priority of ${plan.templateName}`;
  const host = quick(hostId, { summary, takeMs: timing.quickTakeMs, runMs: timing.reportRunMs });
  const { priority } = requests;
  await host.raisePriority({ v: 1, attemptId, priority }).catch(() => undefined);
}

/** Recorded where the host needed no source, so that the attempt still names the host that finished the copy. */
const emptyTry = ({ url }: CopyPlan, began: string): Try => ({
  source: url,
  startedAt: began,
  endedAt: new Date().toISOString(),
  bytes: 0,
  note: 'all bytes were on the pool already',
});

/** As the end of a sentence. */
const fromWhere = ({ hostName, depth }: ChosenSource): string =>
  ` from ${fromWhom(depth, hostName === undefined ? undefined : `host ${hostName}`)}`;

const nameOf = (source: ChosenSource | undefined, { url }: CopyPlan): string =>
  source?.peer === undefined ? url : peerUrl(source.peer.hostId);

/** Hosts of older releases leave these fields alone. */
function sourceInJob(source: ChosenSource | undefined): Pick<DownloadJob, 'peer' | 'lineages'> {
  const { peer, lineages = [] } = source ?? {};
  return {
    ...(peer === undefined ? {} : { peer }),
    ...(lineages.length === 0 ? {} : { lineages }),
  };
}

function jobFor(
  { hostId: _id, hostName: _name, ...forHost }: ChosenHost & Pick<DownloadJob, 'peer' | 'lineages'>,
  attemptId: string,
  { input, plan, requests }: CopyRun,
): DownloadJob {
  const { copyId, url, mirrors, format, checksum, size, healing } = plan;
  return {
    v: 1,
    templateId: input.templateId,
    poolId: input.poolId,
    copyId,
    attemptId,
    url,
    mirrors,
    format,
    size,
    priority: requests.priority,
    ...(checksum === undefined ? {} : { checksum }),
    ...(healing === undefined ? {} : { healing }),
    ...forHost,
  };
}

async function recordFailed(run: CopyRun, id: AttemptId, failed: FailedAttempt): Promise<FailedAttempt> {
  const { tries, pool } = failed;
  const attempt = { ...id, tries, ...(pool === undefined ? {} : { pool }) };
  await control('Record the failed download').recordAttempt(copyOf(run.input), attempt);
  return failed;
}

async function recordCancelled(run: CopyRun, id: AttemptId, error: unknown): Promise<CancelledFailure> {
  const report = cancelledDownload(error);
  if (report !== undefined) {
    const { tries = [], pool } = report;
    const attempt = { ...id, tries, ...(pool === undefined ? {} : { pool }) };
    await CancellationScope.nonCancellable(() =>
      control('Record the cancelled download').recordAttempt(copyOf(run.input), attempt),
    );
  }
  return new CancelledFailure('The deployment was stopped');
}

type AttemptId = Pick<Attempt, 'attemptId' | 'hostId' | 'hostName'>;

export const copyOf = ({ templateId, poolId }: CopyInput) => ({ templateId, poolId });
