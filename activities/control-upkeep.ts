/** Watching hosts, and repairing what a crash or a hand in Temporal's UI left behind. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { unsettledHosts } from '../db/certificates.ts';
import { hostsToDescribe, recordHeartbeats } from '../db/hosts.ts';
import { unfinishedCopies } from '../db/copies.ts';
import { configurationValues } from '../db/configurations.ts';
import { pendingCopies, pendingDeletions } from '../db/jobs.ts';
import type { CopyUuids } from '../db/jobs.ts';
import { failCopy } from '../db/outcomes.ts';
import type { Outcome } from '../db/outcomes.ts';
import { abandonRegistration, idleRegistrations } from '../db/registrations.ts';
import { forget } from '../db/retention.ts';
import type { Forgotten } from '../db/retention.ts';
import { retentionOf } from '../model/configurations.ts';
import { copyWorkflowId, templateWorkflowId } from '../model/names.ts';
import { warnOfExpiry } from './control-expiry.ts';
import { beating } from './context.ts';
import type { ControlDeps } from './control.ts';

export interface WatchOptions {
  readonly everyMs: number;
  readonly forMs: number;
}

export interface SweepOptions {
  /** Seconds that something must have been left alone before it is looked at. */
  readonly idleSeconds: number;
}

/** What a sweep found and repaired. */
export interface Swept {
  readonly registrations: number;
  readonly copies: number;
  readonly deletions: number;
  /** Hosts whose keystores are brought to what they are to hold. */
  readonly keystores: number;
  /** What was kept long enough, and is removed. */
  readonly forgotten: Forgotten;
}

export interface UpkeepActivities {
  /** Reads signs of life of all hosts, over and over, into `host.last_seen`. Heartbeats. */
  watchHosts(options: WatchOptions): Promise<void>;
  /** Repairs what no workflow takes care of. */
  sweep(options: SweepOptions): Promise<Swept>;
  /** Events about certificates that end soon, one for each of the days at which is warned. */
  warnOfExpiry(): Promise<void>;
  /** Hosts to ask for a report. */
  hostsToDescribe(
    olderThanSeconds: number,
    limit: number,
  ): Promise<readonly { readonly hostId: string; readonly name: string }[]>;
}

export function createUpkeepActivities(deps: ControlDeps): UpkeepActivities {
  const { db, orchestration } = deps;
  return {
    watchHosts: ({ everyMs, forMs }) =>
      beating(null, async ({ signal }) => {
        const until = performance.now() + forMs;
        while (performance.now() < until) {
          await recordHeartbeats(db, await orchestration.heartbeats());
          await sleep(everyMs, undefined, { signal });
        }
      }),

    sweep: ({ idleSeconds }) =>
      beating(null, async ({ signal }) => ({
        registrations: await sweepRegistrations(deps, idleSeconds, signal),
        copies: await sweepCopies(deps, idleSeconds, signal),
        deletions: await sweepDeletions(deps, idleSeconds, signal),
        keystores: await sweepKeystores(deps),
        forgotten: await forget(db, retentionOf(await configurationValues(db))),
      })),

    warnOfExpiry: () => warnOfExpiry(db, new Date()),

    hostsToDescribe: (olderThanSeconds, limit) => hostsToDescribe(db, olderThanSeconds, limit),
  };
}

/** Keystores brought up to date in one round. */
const KEYSTORES = 50;

async function sweepKeystores({ db, orchestration }: ControlDeps): Promise<number> {
  const hosts = await unsettledHosts(db, KEYSTORES);
  for (const { hostId, name } of hosts) await orchestration.requestKeystore(hostId, name);
  return hosts.length;
}

type Sweep = (deps: ControlDeps, idleSeconds: number, signal: AbortSignal) => Promise<number>;

/** Rows of registrations whose workflow was ended from outside. */
const sweepRegistrations: Sweep = async ({ db, orchestration }, idleSeconds, signal) => {
  let removed = 0;
  for (const templateId of await idleRegistrations(db, idleSeconds)) {
    signal.throwIfAborted();
    if (await orchestration.isRunning(templateWorkflowId(templateId))) continue;
    if (await abandonRegistration(db, templateId, idleSeconds)) removed += 1;
  }
  return removed;
};

/** Copies that somebody waits for, or that are half done, and that no workflow works on. */
const sweepCopies: Sweep = async ({ db, orchestration }, idleSeconds, signal) => {
  const wanted = await pendingCopies(db, idleSeconds);
  const halfDone = await unfinishedCopies(db, idleSeconds);
  const idle = async (copy: CopyUuids): Promise<boolean> => {
    signal.throwIfAborted();
    return !(await orchestration.isRunning(copyWorkflowId(copy.templateId, copy.poolId)));
  };
  let repaired = 0;
  for (const copy of wanted) {
    if (!(await idle(copy))) continue;
    await orchestration.requestDeployment(copy);
    repaired += 1;
  }
  for (const copy of halfDone) {
    if (!(await idle(copy))) continue;
    if (copy.state === 'Destroying') await orchestration.requestRemoval(copy, 'Bypass');
    else await failCopy(db, abandoned(copy), { code: 530, text: 'Its workflow was ended in Temporal' });
    repaired += 1;
  }
  return repaired;
};

const abandoned = ({ templateId, poolId }: CopyUuids): Outcome => ({
  copy: { templateId, poolId },
  outcomeId: `abandoned:${randomUUID()}`,
  workflowId: copyWorkflowId(templateId, poolId),
});

const sweepDeletions: Sweep = async ({ db, orchestration }, idleSeconds, signal) => {
  let restarted = 0;
  for (const deletion of await pendingDeletions(db, idleSeconds)) {
    signal.throwIfAborted();
    if (await orchestration.isRunning(templateWorkflowId(deletion.templateId))) continue;
    await orchestration.requestDeletion({ v: 1, ...deletion });
    restarted += 1;
  }
  return restarted;
};
