/**
 * A machine is started: also its deployment, whose first start makes the disk. Steps, of which each may lead back to the
 * first:
 *
 *   place   host and pool are chosen, and what the machine needs there is reserved; waits while only space is missing, and
 *           while another host has not confirmed that it has no domain of the machine
 *   copy    the images that the pool lacks are brought there (copy.ts)
 *   host    the host makes disk, seed and domain, and starts it
 *
 * Where the pool has the images, the first two steps and the look for the job are one (`begun`).
 *
 * The table of failures (model/failures.ts) decides what follows: the host failed → the next host; the image → the end, with
 * the copy's own reason; space on the pool is missing → a wait. A host that was called and failed must first confirm that it has no
 * domain (release.ts). A host that did not take the job was not called.
 *
 * A stop, destroy or expunge of the machine ends the start at once, as does a cancellation in Temporal: the release ends what
 * the host is doing. Once the host has answered, they come after the start. A start that fails leaves neither domain nor reservation; a disk that never held anything of the guest
 * goes too. Until a host that was called has confirmed that, the machine is shown as Unknown.
 */
import { TimeoutFailure } from '@temporalio/common';
import type { ApplicationFailure } from '@temporalio/common';
import type { Placement, PlannedStart } from '../../activities/control/vm-starts.ts';
import type { FirstSteps, JobError, MachineFacts } from '../../activities/control/vms.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { describeFailure, failures, isFailureKind } from '../../model/failures.ts';
import type { Failure, FailureKind } from '../../model/failures.ts';
import { describeRefusals, describeRefusalsPublicly } from '../../model/placement.ts';
import type { Refusal } from '../../model/placement.ts';
import { backoffMs } from '../../model/timing.ts';
import type { StartVmResult } from '../../model/vm-payloads.ts';
import { causeOf, endingFailure, hostFailure, isFailure } from '../failures.ts';
import { control, localControl, machine, verifyAnswerLocally } from '../policies.ts';
import type { VerifyAnswer } from '../answers.ts';
import { show, waitVisibly } from '../status.ts';
import { bringImages } from './copy.ts';
import { releaseSurely, tryRelease } from './release.ts';
import {
  continueIfLong,
  failWith,
  heedingOtherJobs,
  heedOtherJobs,
  jobOf,
  reasonsOf,
  wakeOf,
  wasEnded,
} from './run.ts';
import type { Look, VmRun } from './run.ts';

type Placed = Extract<Placement, { readonly outcome: 'placed' }>;

/** What a start has found out so far. */
interface Search {
  excludedHosts: readonly string[];
  excludedPools: readonly string[];
  /** How often each host was lost during its job. */
  readonly lost: Map<string, number>;
  /** Failure of the latest host. */
  last: Failure | undefined;
  /** Whether a host was called that has not confirmed since that it has no domain. */
  called: boolean;
  /** Whether the machine was placed by this start, and not before. */
  fresh: boolean;
  /** Waits for space after a host found its pool full. */
  full: number;
}

/**
 * The host worker or its libvirt was away, which says nothing against the host: it has confirmed since that it has no domain
 * of the machine, so that both answer again.
 */
const MAY_COME_BACK: readonly FailureKind[] = ['HostGone', 'HypervisorSilent'];

/**
 * Starts the machine, and ends the job.
 * @returns the look for the next job, if the end of this one had it
 * @throws TemporalFailure when it cannot; the machine is as a failed start leaves it
 */
export async function start(run: VmRun, before: MachineFacts): Promise<Look | undefined> {
  const search: Search = {
    excludedHosts: [],
    excludedPools: [],
    lost: new Map(),
    last: undefined,
    called: before.state === 'Starting' && before.host !== undefined,
    fresh: false,
    full: 0,
  };
  let { begun } = run;
  try {
    for (;;) {
      const placed = await findPlace(run, search, begun);
      const failed = await bringImages(run, placed);
      if (failed === undefined) {
        const started = await startOn(run, search, placed, begun?.start);
        if (started !== undefined) return started.look;
      } else await afterFailedCopy(run, placed, failed, search);
      begun = undefined;
    }
  } catch (error) {
    if (isFailure(error)) await cleanUp(run, search);
    throw error;
  }
}

async function findPlace(run: VmRun, search: Search, begun?: FirstSteps): Promise<Placed> {
  const { name, input } = run;
  const { timing } = input;
  for (let round = 0; ; round += 1) {
    const given = round === 0 ? begun : undefined;
    const placement = given?.placement ?? (await choosePlace(run, search));
    if (placement.outcome === 'placed') {
      const { hostName, poolName } = placement;
      if (given?.start === undefined)
        show(`${name} goes to host ${hostName}, pool ${poolName}.`, placeOf(placement));
      search.fresh ||= placement.fresh;
      return placement;
    }
    if (placement.outcome === 'held') await releaseHere(run, search);
    else if (placement.space) {
      const summary = `no pool has room for ${name}`;
      const reason = `${summary}: ${describeRefusals(placement.refusals)}`;
      const publicReason = `${summary}: ${describeRefusalsPublicly(placement.refusals)}`;
      const ms = backoffMs(timing.roomWait, round);
      await waitVisibly({ word: 'NoSpace', reason, publicReason, ms }, wakeOf(run));
    } else throw nowhere(run, placement.refusals, search);
    await continueIfLong(run);
  }
}

async function choosePlace(run: VmRun, { excludedHosts, excludedPools }: Search): Promise<Placement> {
  const { input, task, name } = run;
  await heedOtherJobs(run);
  return control(`Choose a host and a pool for ${name}`).placeVm({
    vmId: input.vmId,
    ...(task.hostId === undefined ? {} : { hostId: task.hostId }),
    excludedHosts,
    excludedPools,
  });
}

const placeOf = ({ hostId, poolId, zoneId }: Placed) => ({
  State: 'Starting',
  HostId: hostId,
  PoolId: poolId,
  ZoneId: zoneId,
  Reason: null,
});

/** The end of a start that no host can do. The latest failure of a host, if there was one, is the first reason. */
function nowhere({ name }: VmRun, refusals: readonly Refusal[], { last }: Search): ApplicationFailure {
  const text = `No host can run ${name}: ${describeRefusalsPublicly(refusals)}`;
  const reasons = refusals.map(({ host, problem }) => ({
    text: `the host ${problem}`,
    kind: 'NoHost',
    host,
  }));
  if (last === undefined) {
    const none = { text, kind: 'NoHost', host: null };
    const errors = reasons.length === 0 ? [none] : reasons;
    return failWith({ code: apiCodes.capacity, text, kind: 'NoHost', errors });
  }
  const { kind, host = null } = last;
  const first = { text: describeFailure(last), kind, host };
  return failWith({
    code: failures[kind].apiCode,
    text: `${first.text}. ${text}`,
    kind,
    errors: [first, ...reasons],
  });
}

/** Waits until the machine's host has confirmed that it does not have it. */
async function releaseHere(run: VmRun, search: Search): Promise<void> {
  await releaseSurely(run, 'unready', () => heedOtherJobs(run));
  search.called = false;
  search.fresh = true;
}

/** The failure of an image is the machine's, unless the hosts of the pool are to blame: another pool may do. */
async function afterFailedCopy(
  run: VmRun,
  { poolId }: Placed,
  error: JobError,
  search: Search,
): Promise<void> {
  const { kind = '', text, host } = error;
  if (!isFailureKind(kind) || failures[kind].class !== 'host') throw failWith(error);
  search.last = { kind, message: text, ...(host === undefined ? {} : { host }) };
  search.excludedPools = [...search.excludedPools, poolId];
  await withdraw(run, search);
}

/** Of a start that a host has done. */
interface Started {
  readonly look?: Look;
}

/** Calls the host. @returns undefined when the machine was not started: the failure is handled, and another place is to be found */
async function startOn(
  run: VmRun,
  search: Search,
  placed: Placed,
  planned?: PlannedStart,
): Promise<Started | undefined> {
  const { input, name } = run;
  const { hostId, hostName, job } =
    planned ?? (await control(`Prepare the start of ${name}`).planVmStart(input.vmId));
  show(`Host ${hostName} makes disk and domain of ${name}, and starts it.`, placeOf(placed));
  const calledBefore = search.called;
  search.called = true;
  const summary = `Start ${name} on host ${hostName}`;
  let result: StartVmResult;
  let look: Look | undefined;
  try {
    result = await heedingOtherJobs(run, (onAnswer) => {
      const record = recording(run, onAnswer, (found) => {
        look = found;
      });
      return machine(hostId, input.timing, summary, record).startVm(job);
    });
  } catch (error) {
    if (!isFailure(error) || wasEnded(error)) throw error;
    search.called = calledBefore || wasTaken(error);
    await afterFailedStart(run, { hostId, failure: hostFailure(error, { hostId, hostName }) }, search);
    return undefined;
  }
  if (!run.endsInTask)
    await control(`Record that ${name} runs`).recordVmStarted(result, jobOf(run), hostName);
  show(`${name} runs on host ${hostName}.`, { State: 'Running', HostId: hostId, Reason: null });
  return look === undefined ? {} : { look };
}

/** Verifies the answer of the host, and with a result ends the job; undefined for runs that do these one after the other. */
function recording(run: VmRun, onAnswer: () => void, onLook: (look: Look) => void): VerifyAnswer | undefined {
  if (!run.endsInTask) return undefined;
  return async (answer) => {
    if (answer.outcome !== 'result') return verifyAnswerLocally(answer);
    onAnswer();
    const served = run.signals.wanted;
    const step = localControl(`Record that ${run.name} runs`);
    onLook({ served, next: await step.finishVmStart(answer, jobOf(run)) });
  };
}

/** Whether the host had taken the job: then it may have begun with it. */
function wasTaken(error: unknown): boolean {
  const cause = causeOf(error);
  return !(cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START');
}

async function afterFailedStart(
  run: VmRun,
  { hostId, failure }: { readonly hostId: string; readonly failure: Failure },
  search: Search,
): Promise<void> {
  search.last = failure;
  const { class: what, otherHost } = failures[failure.kind];
  if (what !== 'space' && !(what === 'host' && otherHost)) throw endingFailure(failure);
  if (search.called) await releaseHere(run, search);
  else await withdraw(run, search);
  if (what === 'space') {
    const ms = backoffMs(run.input.timing.roomWait, search.full);
    search.full += 1;
    await waitVisibly({ word: 'NoSpace', ...reasonsOf(failure), ms }, wakeOf(run));
    return;
  }
  const losses = (search.lost.get(hostId) ?? 0) + 1;
  search.lost.set(hostId, losses);
  const mayComeBack = MAY_COME_BACK.includes(failure.kind) && losses < run.input.timing.mostLosses;
  if (!mayComeBack) search.excludedHosts = [...search.excludedHosts, hostId];
}

/** Takes back a placement that no host was called for. A machine that a host had before stays with that host. */
async function withdraw(run: VmRun, search: Search): Promise<void> {
  if (search.called || !search.fresh) return;
  await control('Take back the placement').unplaceVm(run.input.vmId);
}

/** After a failure: a host that cannot be reached keeps the machine; the next start, or its removal, releases it first. */
async function cleanUp(run: VmRun, search: Search): Promise<void> {
  if (!search.called) await withdraw(run, search);
  else if ((await tryRelease(run, 'unready')) !== undefined) {
    await control('Note that it is unknown whether it runs').forgetVmPower(run.input.vmId);
  }
}
