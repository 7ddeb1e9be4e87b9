/** The control side of verifying a copy anew. */
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { signingKeyOf } from '../../db/hosts/hosts.ts';
import { copyToVerify, recordVerification } from '../../db/spread/verifications.ts';
import type { CopyToVerify } from '../../db/spread/verifications.ts';
import type { HashResult } from '../../model/verification.ts';
import { workflowId } from '../context.ts';
import { readSigned } from './answers.ts';
import type { Ending } from './copies.ts';
import type { ControlDeps } from './deps.ts';

export interface VerificationActivities {
  /** What is to be verified; undefined when the copy is not published any more. */
  copyToVerify(copy: CopyUuids): Promise<CopyToVerify | undefined>;
  /** Records what the host computed. A damaged copy is removed, unless virtual machines stand on it. */
  recordVerification(
    ending: Ending,
    copyId: string,
    answer: HashResult,
  ): Promise<{ readonly isRight: boolean }>;
}

export const createVerificationActivities = ({ db, orchestration }: ControlDeps): VerificationActivities => ({
  copyToVerify: (copy) => copyToVerify(db, copy),
  async recordVerification(ending, copyId, answer) {
    const { sha256, hostId } = await readSigned(db, ['hashCopy'], answer);
    const host = { id: hostId, name: (await signingKeyOf(db, hostId))?.name ?? hostId };
    const { isRight, mayGo } = await recordVerification(
      db,
      { ...ending, workflowId: workflowId() },
      { copyId, sha256, host },
    );
    if (mayGo) await orchestration.startRemoval(ending.copy, { by: 'Bypass' });
    return { isRight };
  },
});
