/** Watching hosts, and repairing what a crash or a hand in Temporal's UI left behind. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordHeartbeats } from '../../db/hosts/hosts.ts';
import { unfinishedCopies } from '../../db/copies/copies.ts';
import { countSweep } from '../../db/restored.ts';
import { configurationValues } from '../../db/zones/configurations.ts';
import { takeZones } from '../../db/zones/zones.ts';
import { completeLeftOver, pendingCopies, pendingDeletions } from '../../db/jobs/jobs.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { failCopy } from '../../db/copies/outcomes.ts';
import type { Outcome } from '../../db/copies/outcomes.ts';
import { abandonRegistration, idleRegistrations } from '../../db/templates/registrations.ts';
import { deleteExpired } from '../../db/retention.ts';
import type { Expired } from '../../db/retention.ts';
import { takePendingRollouts } from '../../db/rollouts/rollouts.ts';
import { forgetPower } from '../../db/vms/domains.ts';
import { expungeLater, machinesToAttend } from '../../db/vms/tasks.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { expungeDelayOf, retentionOf } from '../../model/configurations.ts';
import { copyWorkflowId, rolloutWorkflowId, templateWorkflowId, vmWorkflowId } from '../../model/names.ts';
import { ROLLOUT_PRIORITY } from '../../model/rollout.ts';
import type { ReportsTiming } from '../../model/timing.ts';
import { warnOfExpiry } from './expiry.ts';
import { withHeartbeats } from '../context.ts';
import { sweepCleanups } from './cleanup.ts';
import { sweepPeers } from './peers.ts';
import { watchUnknownHosts } from './unknown-hosts.ts';
import { sweepVerifications } from './verifications.ts';
import { removeUnused } from './unused-copies.ts';
import { whileCounting } from './throughput.ts';
import type { ControlDeps } from './deps.ts';
import { namesOf } from './copy-names.ts';

export interface WatchOptions {
  /** Milliseconds between two reads of heartbeats. */
  readonly everyMs: number;
  /** Milliseconds after which the watch ends by itself. */
  readonly forMs: number;
}

export interface SweepOptions {
  /** Seconds without a change after which a row may need repair. */
  readonly idleSeconds: number;
  /** Number of the sweep before, as upkeep remembers it. */
  readonly count?: number;
  /**
   * Has each zone's reports collected by a workflow of its own, with times that replace the current ones. Absent: upkeep that began
   * in release 0.2.0 collects those of all zones itself.
   */
  readonly reports?: Partial<ReportsTiming>;
}

/** How many rows of each kind a sweep repaired. */
export interface SweepResult {
  /** Number of this sweep. Absent in runs of releases that did not count. */
  readonly count?: number;
  readonly registrations: number;
  readonly copies: number;
  readonly deletions: number;
  /** Zones whose hosts are told by whom they are known. */
  readonly peers: number;
  /** Zones whose pools are looked at. Absent in what earlier releases recorded. */
  readonly cleanups: number;
  /** Zones whose copies are verified. Absent in what earlier releases recorded. */
  readonly verifications: number;
  /** Virtual machines whose workflows were requested. */
  readonly machines: number;
  /** Roll-outs whose workflows were requested. */
  readonly rollouts: number;
  /** Jobs and events whose retention is over. */
  readonly forgotten: Expired;
}

export interface UpkeepActivities {
  /**
   * Copies the heartbeats of all hosts into `host.last_seen`, again and again, and tells of hosts that the database does not
   * know. Less often, counts the bytes that running downloads fetch. Sends heartbeats.
   */
  watchHosts(options: WatchOptions): Promise<void>;
  /** Repairs rows that no workflow works on. Sends heartbeats. */
  sweep(options: SweepOptions): Promise<SweepResult>;
  /** Records events about certificates that expire soon (expiry.ts). */
  warnOfExpiry(): Promise<void>;
}

/** Reads of heartbeats for each count of bytes, which costs a request for each download. */
const READS_PER_COUNT = 3;

export function createUpkeepActivities(deps: ControlDeps): UpkeepActivities {
  const { db, orchestration } = deps;
  return {
    watchHosts: ({ everyMs, forMs }) =>
      withHeartbeats(null, ({ signal }) =>
        whileCounting(deps, { everyMs: everyMs * READS_PER_COUNT, signal }, async () => {
          const until = performance.now() + forMs;
          const tellOfUnknown = watchUnknownHosts(db);
          while (performance.now() < until) {
            const listed = await orchestration.heartbeats();
            await recordHeartbeats(db, listed);
            await tellOfUnknown(listed);
            await sleep(everyMs, undefined, { signal });
          }
        }),
      ),

    sweep: ({ idleSeconds, count, reports }) =>
      withHeartbeats(null, async ({ signal }) => {
        // First, since the rest trusts what the database says of unfinished work.
        const counted = await countSweep(db, count);
        const zones = await takeZones(db, MAX_ZONES);
        if (reports !== undefined)
          for (const zone of zones) await orchestration.requestReports(zone, reports);
        return {
          count: counted,
          registrations: await sweepRegistrations(deps, idleSeconds, signal),
          copies: await sweepCopies(deps, idleSeconds, signal),
          deletions: await sweepDeletions(deps, idleSeconds, signal),
          peers: await sweepPeers(deps, zones),
          cleanups: await sweepCleanups(deps, zones, MAX_LOOKED_AT),
          verifications: await sweepVerifications(deps, zones, MAX_LOOKED_AT),
          machines: await sweepMachines(deps, idleSeconds, signal),
          rollouts: await sweepRollouts(deps, idleSeconds, signal),
          forgotten: await deleteExpired(db, retentionOf(await configurationValues(db))),
        };
      }),

    warnOfExpiry: () => warnOfExpiry(db, new Date()),
  };
}

/**
 * Rows of each kind that one sweep looks at: any of those that may need repair, so that thousands that only wait keep none of the
 * others from its turn for long.
 */
const MAX_LOOKED_AT = 500;

/** Zones that one sweep looks at; with more of them, each has its turn less often. */
const MAX_ZONES = 100;

/**
 * Requests the workflows of machines that jobs wait for, makes jobs for those that are to be expunged, removes copies that no
 * machine uses any more, and notes which machines are on hosts that are Down.
 */
const sweepMachines: Sweep = async (deps, idleSeconds, signal) => {
  const { db, orchestration } = deps;
  let requested = 0;
  for (const { vmId, name } of await machinesToAttend(db, idleSeconds, MAX_LOOKED_AT)) {
    signal.throwIfAborted();
    if (await orchestration.isRunning(vmWorkflowId(vmId))) continue;
    await orchestration.requestVm(vmId, name);
    requested += 1;
  }
  const delay = expungeDelayOf(await configurationValues(db));
  for (const { vmId, name } of await expungeLater(db, delay, MAX_LOOKED_AT))
    await orchestration.requestVm(vmId, name);
  await removeUnused(deps);
  await forgetPower(db);
  return requested;
};

type Sweep = (deps: ControlDeps, idleSeconds: number, signal: AbortSignal) => Promise<number>;

/** Removes the rows of registrations whose workflows were terminated. */
const sweepRegistrations: Sweep = async ({ db, orchestration }, idleSeconds, signal) => {
  let removed = 0;
  for (const templateId of await idleRegistrations(db, idleSeconds, MAX_LOOKED_AT)) {
    signal.throwIfAborted();
    if (await orchestration.isRunning(templateWorkflowId(templateId))) continue;
    if (await abandonRegistration(db, templateId, idleSeconds)) removed += 1;
  }
  return removed;
};

/**
 * Requests the workflows of copies that jobs wait for, or that are unfinished, and that no workflow works on; ends jobs that wait
 * for nothing any more.
 */
const sweepCopies: Sweep = async ({ db, orchestration }, idleSeconds, signal) => {
  const wanted = await pendingCopies(db, idleSeconds, MAX_LOOKED_AT);
  const unfinished = await unfinishedCopies(db, idleSeconds, MAX_LOOKED_AT);
  const isIdle = async (copy: CopyUuids): Promise<boolean> => {
    signal.throwIfAborted();
    return !(await orchestration.isRunning(copyWorkflowId(copy.templateId, copy.poolId)));
  };
  let repaired = await completeLeftOver(db, idleSeconds, MAX_LOOKED_AT);
  for (const copy of wanted) {
    if (!(await isIdle(copy))) continue;
    const names = await namesOf(db, copy);
    await orchestration.requestDeployment(copy, {
      ...(names === undefined ? {} : { names }),
      ...(copy.isRolledOut ? { priority: ROLLOUT_PRIORITY } : {}),
    });
    repaired += 1;
  }
  for (const copy of unfinished) {
    if (!(await isIdle(copy))) continue;
    if (copy.state === 'Destroying') {
      await orchestration.startRemoval(copy, { by: 'Bypass' }, await namesOf(db, copy));
    } else
      await failCopy(db, abandonedOutcome(copy), {
        code: apiCodes.internal,
        text: 'Its workflow was ended in Temporal, or is not known there: call it again; bytes that are on the pool are used',
        kind: 'Cancelled',
      });
    repaired += 1;
  }
  return repaired;
};

const abandonedOutcome = ({ templateId, poolId }: CopyUuids): Outcome => ({
  copy: { templateId, poolId },
  outcomeId: `abandoned:${randomUUID()}`,
  workflowId: copyWorkflowId(templateId, poolId),
});

const sweepDeletions: Sweep = async ({ db, orchestration }, idleSeconds, signal) => {
  let restarted = 0;
  for (const deletion of await pendingDeletions(db, idleSeconds, MAX_LOOKED_AT)) {
    signal.throwIfAborted();
    if (await orchestration.isRunning(templateWorkflowId(deletion.templateId))) continue;
    await orchestration.requestDeletion({ v: 1, ...deletion });
    restarted += 1;
  }
  return restarted;
};

const sweepRollouts: Sweep = async ({ db, orchestration }, idleSeconds, signal) => {
  let requested = 0;
  for (const rollout of await takePendingRollouts(db, idleSeconds, MAX_LOOKED_AT)) {
    signal.throwIfAborted();
    if (await orchestration.isRunning(rolloutWorkflowId(rollout.jobId))) continue;
    await orchestration.requestRollout(rollout);
    requested += 1;
  }
  return requested;
};
