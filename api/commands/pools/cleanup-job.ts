/** Jobs about the files of a storage pool: the api writes them, and the cleanup of the zone works on them. */
import { createJob } from '../../../db/jobs/jobs.ts';
import type { DeployablePool } from '../../../db/pools/listing.ts';
import { cleanupWorkflowId } from '../../../model/names.ts';
import type { CleanupCommand, CleanupJobParameters } from '../../../model/pool-files.ts';
import { type Answer, JOB, render } from '../../fields/response.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import type { CommandContext } from '../../server/command.ts';
import { begin } from '../../server/temporal-deadline.ts';

/** Writes the job and its event, begins it, and answers its id. */
export async function answerCleanupJob(
  context: CommandContext,
  pool: DeployablePool,
  cmd: CleanupCommand,
  params: CleanupJobParameters,
  event: { readonly type: string; readonly description: string },
): Promise<Answer> {
  const { db, caller, orchestration } = context;
  const jobid = await db.transaction().execute(async (tx) => {
    await recordCallerEvent(
      { db: tx, caller },
      {
        ...event,
        state: 'Scheduled',
        resourceType: 'StoragePool',
        resourceUuid: pool.uuid,
        workflowId: cleanupWorkflowId(pool.zoneId),
      },
    );
    return createJob(tx, {
      accountId: caller.accountUuid,
      userId: caller.userUuid,
      cmd,
      instanceType: 'StoragePool',
      instanceUuid: pool.uuid,
      params,
    });
  });
  await begin(context, orchestration.requestCleanup(pool.zoneId));
  return render(JOB, { jobid }, caller);
}
