/** Commands that are done at once, but answer a job because CloudStack's do. */
import { completeJob, createJob } from '../db/jobs.ts';
import type { CommandContext } from './command.ts';
import type { Answer } from './response.ts';
import type { JobResource } from './responses/job.ts';

export interface Instance {
  readonly type: JobResource;
  readonly uuid: string;
}

/** @returns the id of a job that is done */
export async function instantJob(
  { db, caller, command }: CommandContext,
  instance: Instance,
  result: Answer,
): Promise<string> {
  const jobId = await createJob(db, {
    accountId: caller.accountUuid,
    userId: caller.userUuid,
    cmd: command,
    instanceType: instance.type,
    instanceUuid: instance.uuid,
  });
  await completeJob(db, jobId, { result });
  return jobId;
}
