/** Results of jobs about virtual machines: the job names the machine, and the answer shows it as it is now. */
import * as z from 'zod/mini';
import type { JobListRow } from '../../../db/jobs/listing.ts';
import { read, uuid } from '../../../model/messages/schema.ts';
import type { CommandContext } from '../../server/command.ts';
import { render } from '../../fields/response.ts';
import { readVms, type SealedAsked, VIRTUAL_MACHINE } from '../../fields/answers/vm.ts';

const marker = z.object({ virtualmachine: z.object({ id: uuid() }) });

/** The machine that the result of a job names (db/vms/tasks.ts); undefined for other results. */
const machineOf = ({ job_result }: JobListRow): string | undefined =>
  read(marker, job_result).value?.virtualmachine.id;

/**
 * Puts the machine in the place of its id. Clients take the first key of a result, so there is no other. One that is
 * expunged is empty, which they take for its end.
 */
export async function withMachines<T extends JobListRow>(
  context: CommandContext,
  jobs: readonly T[],
  asked: SealedAsked,
): Promise<readonly T[]> {
  const ids = [...new Set(jobs.flatMap((job) => machineOf(job) ?? []))];
  const machines = new Map((await readVms(context, ids, asked)).map((view) => [view.uuid, view]));
  return jobs.map((job) => {
    const vmId = machineOf(job);
    if (vmId === undefined) return job;
    const view = machines.get(vmId);
    const virtualmachine = view === undefined ? {} : render(VIRTUAL_MACHINE, view, context.caller);
    return { ...job, job_result: { virtualmachine } };
  });
}
