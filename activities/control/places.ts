/**
 * Where a copy is brought: the host that works on it, the space on its pool, and the source, chosen in one step. Together with
 * the opening of its row it is the first step of a deployment, so that one whose place is free needs one trip to the control
 * side before its host.
 */
import { isLockTimeout, limitLockWaits } from '../../db/database.ts';
import { openCopy } from '../../db/copies/copies.ts';
import { reserve } from '../../db/copies/reservations.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { chooseSource } from '../../db/spread/source-choice.ts';
import type { SourceQuestion } from '../../db/spread/source-choice.ts';
import type { CopyPlan } from '../../model/payloads.ts';
import { bytesOfPlan, describeNoRoom } from '../../model/space.ts';
import { workflowId } from '../context.ts';
import type { ControlDeps } from './deps.ts';
import { findHost, reportAgeOf } from './host-choice.ts';
import type { HostQuestion } from './host-choice.ts';
import { addressTo } from './sealing.ts';
import type { ChosenHost } from './sealing.ts';
import { openSource } from './sources.ts';
import type { ChosenSource } from './sources.ts';

/** What is asked of a place, whatever the copy. */
export interface PlaceWishes extends Omit<HostQuestion, 'copyId'>, Omit<SourceQuestion, 'copyId' | 'hostId'> {
  /** Milliseconds. No space is reserved by a report of the pool that is older. Absent: any report will do. */
  readonly reportFreshMs?: number;
  /** The same for a pool with plenty of room. Absent: as for others. */
  readonly roomyReportFreshMs?: number;
}

export interface Place {
  readonly host: ChosenHost;
  readonly source: ChosenSource;
}

/** Why there is no place now. */
export interface PlaceWait {
  /** One word, for the search attribute `Reason`. */
  readonly word: 'NoHost' | 'NoSpace' | 'NoPeer';
  readonly reason: string;
  readonly publicReason?: string;
  /** No host of the pool can ever do it: waiting does not help. */
  readonly hopeless?: boolean;
}

export type PlaceChoice =
  | { readonly place: Place }
  /** The host whose report of the pool is to be asked for first. */
  | { readonly outdated: Pick<ChosenHost, 'hostId' | 'hostName'> }
  | { readonly wait: PlaceWait };

export interface PlaceActivities {
  /**
   * Inserts or finds the copy's row, plans the deployment and chooses a place.
   * @returns no choice for a copy that is ready, and where other choices of the zone take their time: it is to be asked for again
   */
  beginCopy(
    copy: CopyUuids,
    wishes: PlaceWishes,
  ): Promise<{ readonly plan: CopyPlan; readonly choice?: PlaceChoice }>;
  /** Chooses host, space and source for a copy. @param bytes that the deployment needs on the pool */
  choosePlace(copyId: string, bytes: number, wishes: PlaceWishes): Promise<PlaceChoice>;
}

export const createPlaceActivities = (deps: ControlDeps): PlaceActivities => ({
  async beginCopy(copy, wishes) {
    const plan = await openCopy(deps.db, copy, workflowId(), deps.protocols);
    if (plan.ready) return { plan };
    const copyToPlace = { copyId: plan.copyId, bytes: bytesOfPlan(plan) };
    const choice = await unlessLocked(choosePlace(deps, copyToPlace, wishes, FIRST_LOCK_MS));
    return { plan, ...(choice === undefined ? {} : { choice }) };
  },
  choosePlace: (copyId, bytes, wishes) => choosePlace(deps, { copyId, bytes }, wishes),
});

/** It waits no longer for its turn within a workflow's task. */
const FIRST_LOCK_MS = 1000;

/** @returns undefined when the locks were not free in time */
async function unlessLocked<T>(choosing: Promise<T>): Promise<T | undefined> {
  try {
    return await choosing;
  } catch (error) {
    if (isLockTimeout(error)) return undefined;
    throw error;
  }
}

async function choosePlace(
  deps: ControlDeps,
  { copyId, bytes }: { readonly copyId: string; readonly bytes: number },
  { reportFreshMs = Infinity, roomyReportFreshMs = 0, excluded, avoided, ...ofSource }: PlaceWishes,
  lockMs = 0,
): Promise<PlaceChoice> {
  const found = await findHost(deps, { copyId, excluded, avoided }, bytes);
  if (found.host === undefined) return { wait: { word: 'NoHost', ...found } };
  const { host: chosen, copy } = found;
  const { hostId, name: hostName } = chosen;
  const age = reportAgeOf(copy);
  if (age > (copy.roomy ? Math.max(reportFreshMs, roomyReportFreshMs) : reportFreshMs))
    return { outdated: { hostId, hostName } };
  // Before the transaction, which must not wait for a second connection.
  const host = await addressTo(chosen, copy.templateId, deps);
  const taken = await deps.db.transaction().execute(async (tx) => {
    if (lockMs > 0) await limitLockWaits(tx, lockMs);
    const room = await reserve(tx, copyId, bytes);
    return room.granted ? chooseSource(tx, { copyId, hostId, ...ofSource }) : { room };
  });
  if ('room' in taken) return { wait: { word: 'NoSpace', reason: describeNoRoom(taken.room) } };
  if ('wait' in taken) return { wait: { word: 'NoPeer', ...taken.wait } };
  return { place: { host, source: await openSource(deps, taken, hostId, copy) } };
}
