/** One download on one host. */
import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, upsertMemo, uuid4 } from '@temporalio/workflow';
import type { Attempt } from '../activities/control-copies.ts';
import type { ChosenHost } from '../activities/control-sealing.ts';
import type { History } from '../model/decisions.ts';
import type { Failure } from '../model/failures.ts';
import { ATTEMPT_MEMO } from '../model/names.ts';
import type { CopyInput, CopyPlan, DownloadJob, DownloadResult, Try } from '../model/payloads.ts';
import type { CopyTiming } from '../model/timing.ts';
import { cancelledDownload, downloadFailure, isFailure } from './failures.ts';
import type { FailedAttempt } from './failures.ts';
import { control, transfer } from './policies.ts';
import type { Requests } from './requests.ts';
import { show } from './status.ts';

/** What a deployment knows while it runs. */
export interface CopyRun {
  readonly input: CopyInput;
  readonly plan: CopyPlan;
  readonly timing: CopyTiming;
  readonly requests: Requests;
  history: History;
  /** Downloads begun. */
  attempts: number;
  /** Why the latest one failed. */
  last: Failure | undefined;
}

export interface Downloaded {
  readonly result: DownloadResult;
  readonly attempt: Attempt;
}

const DEFAULT_PRIORITY = 3;

/** @throws CancelledFailure when the deployment was stopped meanwhile */
export async function downloadOn(host: ChosenHost, run: CopyRun): Promise<Downloaded | FailedAttempt> {
  const { plan, timing } = run;
  const { hostId, hostName } = host;
  const who = { attemptId: uuid4(), hostId, hostName };
  const began = new Date().toISOString();
  run.attempts += 1;
  upsertMemo({ [ATTEMPT_MEMO]: run.attempts });
  show(`Host ${hostName} downloads ${plan.templateName} (download ${run.attempts}).`, {
    State: 'Downloading',
    HostId: hostId,
    Reason: null,
  });
  try {
    const summary = `Download ${plan.templateName} on host ${hostName}`;
    const result = await transfer(hostId, timing, summary).download(jobFor(host, who.attemptId, run));
    const tries = result.tries.length > 0 ? result.tries : [fetchedNothing(plan, began)];
    return { result, attempt: { ...who, tries } };
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (CancellationScope.current().consideredCancelled) throw await recordCancelled(run, who, error);
    return recordFailed(run, who, downloadFailure(error, { ...who, source: plan.url, began }, plan.copyId));
  }
}

/** Who finished it is told also where no source was asked any more. */
const fetchedNothing = ({ url }: CopyPlan, began: string): Try => ({
  source: url,
  startedAt: began,
  endedAt: new Date().toISOString(),
  bytes: 0,
  note: 'all bytes were on the pool already',
});

function jobFor(
  { hostId: _id, hostName: _name, ...forHost }: ChosenHost,
  attemptId: string,
  { input, plan }: CopyRun,
): DownloadJob {
  const { copyId, url, mirrors, format, checksum, size } = plan;
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
    priority: input.priority ?? DEFAULT_PRIORITY,
    ...(checksum === undefined ? {} : { checksum }),
    ...forHost,
  };
}

/** What was tried, and what the host says of the pool after it, is kept whatever the reason. */
async function recordFailed(run: CopyRun, who: Who, failed: FailedAttempt): Promise<FailedAttempt> {
  const { tries, pool } = failed;
  const attempt = { ...who, tries, ...(pool === undefined ? {} : { pool }) };
  await control('Record the failed download').recordAttempt(copyOf(run.input), attempt);
  return failed;
}

async function recordCancelled(run: CopyRun, who: Who, error: unknown): Promise<CancelledFailure> {
  const told = cancelledDownload(error);
  if (told !== undefined) {
    const { tries = [], pool } = told;
    const attempt = { ...who, tries, ...(pool === undefined ? {} : { pool }) };
    await CancellationScope.nonCancellable(() =>
      control('Record the cancelled download').recordAttempt(copyOf(run.input), attempt),
    );
  }
  return new CancelledFailure('The deployment was stopped');
}

type Who = Pick<Attempt, 'attemptId' | 'hostId' | 'hostName'>;

export const copyOf = ({ templateId, poolId }: CopyInput) => ({ templateId, poolId });
