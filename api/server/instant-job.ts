/** For commands that finish at once but answer a job, as CloudStack's do. */
import { completeJob, createJob } from '../../db/jobs/jobs.ts';
import type { CommandContext } from './command.ts';
import type { Answer } from '../fields/response.ts';
import type { JobResource } from '../fields/answers/job.ts';

export interface Instance {
  readonly type: JobResource;
  readonly uuid: string;
}

/** Records a job that is done. @returns its id */
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
