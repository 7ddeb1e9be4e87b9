/** The control side of verifying a copy anew. */
import { nextVerifications, zonesToVerify } from '../../db/copies/due-verifications.ts';
import type { DueVerification } from '../../db/copies/due-verifications.ts';
import { beginHealing, copiesToHeal, damagedCopiesOf } from '../../db/copies/healing.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { signingKeyOf } from '../../db/hosts/hosts.ts';
import { copyToVerify, recordVerification } from '../../db/spread/verifications.ts';
import type { Place } from '../../db/zones/zones.ts';
import type { CopyToVerify } from '../../db/spread/verifications.ts';
import type { HashResult } from '../../model/verification.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { workflowId } from '../context.ts';
import { readSigned } from './answers.ts';
import type { Ending } from './copies.ts';
import type { ControlDeps } from './deps.ts';
import { namesOf } from './copy-names.ts';

export type { DueVerification } from '../../db/copies/due-verifications.ts';

export interface VerificationActivities {
  /** What is to be verified; undefined when the copy is not published any more. */
  copyToVerify(copy: CopyUuids): Promise<CopyToVerify | undefined>;
  /** The copies of a zone whose turn it is, each on a host that verifies no other. @param busy hosts that verify one now */
  nextVerifications(
    zoneId: string,
    busy: readonly string[],
    limit: number,
  ): Promise<readonly DueVerification[]>;
  /** Records what the host computed, and has a damaged copy healed if no machine runs on it. */
  recordVerification(
    ending: Ending,
    copyId: string,
    answer: HashResult,
  ): Promise<{ readonly isRight: boolean }>;
}

export const createVerificationActivities = (deps: ControlDeps): VerificationActivities => ({
  copyToVerify: (copy) => copyToVerify(deps.db, copy),
  nextVerifications: (zoneId, busy, limit) => nextVerifications(deps.db, zoneId, busy, limit),
  async recordVerification(ending, copyId, answer) {
    const { db } = deps;
    const { sha256, pieces, hostId } = await readSigned(db, ['hashCopy'], answer);
    const host = { id: hostId, name: (await signingKeyOf(db, hostId))?.name ?? hostId };
    const { isRight, newPiecesOf } = await recordVerification(
      db,
      { ...ending, workflowId: workflowId() },
      { copyId, sha256, pieces, host },
    );
    if (!isRight) await heal(deps, ending.copy);
    // Others of the image may have waited for the hashes of its pieces.
    const waiting = newPiecesOf === undefined ? [] : await damagedCopiesOf(db, newPiecesOf, MAX_WAITING);
    for (const copy of waiting) await heal(deps, copy);
    return { isRight };
  },
});

/** Copies that are healed at once when hashes of pieces are known. The sweep finds more. */
const MAX_WAITING = 16;

/** Has a damaged copy replaced by another download, if that can be now. */
async function heal({ db, orchestration }: ControlDeps, copy: CopyUuids): Promise<void> {
  const remedy = await beginHealing(db, copy);
  if (remedy === undefined) return;
  if (typeof remedy === 'object') return orchestration.requestVerification(remedy.first);
  const names = await namesOf(db, copy);
  // A signal that arrives with the first one of a run is taken for an older request: so the removal itself knows what follows.
  const by = 'Bypass, since it is damaged';
  if (remedy === 'remove') await orchestration.startRemoval(copy, { by, again: true }, names);
  await orchestration.requestDeployment(copy, names === undefined ? {} : { names });
}

/** A healing under machines that failed is tried again after so long. */
const HEAL_AGAIN_SECONDS = 3600;

/**
 * Heals damaged copies under machines that have stopped, or are gone, and has the copies of these zones verified whose turn it
 * is.
 * @param limit of copies to heal
 * @returns the number of zones in which copies are to be verified
 */
export async function sweepVerifications(
  deps: ControlDeps,
  zones: readonly Place[],
  limit: number,
): Promise<number> {
  const { db, orchestration } = deps;
  for (const copy of await copiesToHeal(db, HEAL_AGAIN_SECONDS, limit)) {
    if (await orchestration.isRunning(copyWorkflowId(copy.templateId, copy.poolId))) continue;
    await heal(deps, copy);
  }
  const due = await zonesToVerify(db, zones);
  for (const zoneId of due) await orchestration.requestVerifications(zoneId);
  return due.length;
}
