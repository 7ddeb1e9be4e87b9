import { findJob, jobState, newestJob } from '../../../db/jobs/listing.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { choice, id, integer, isUuid } from '../../fields/parameters.ts';
import { render } from '../../fields/response.ts';
import { withMachines } from './job-machines.ts';
import { JOB_RESOURCES, JOB_RESULT } from '../../fields/answers/job.ts';
import { JOB_WAIT_SECONDS, jobStatus } from '../../../model/states.ts';

export const queryAsyncJobResult = defineCommand({
  name: 'queryAsyncJobResult',
  description: 'Tells whether a job is done, and with what result.',
  roles: EVERYBODY,
  parameters: {
    jobid: id('the job; or its resource'),
    resourceid: id('without jobid, and with resourcetype: the newest job of this resource'),
    resourcetype: choice('of which type the resource is', JOB_RESOURCES),
    wait: integer('with jobid: seconds that the call waits for the end of the job before it answers', {
      max: JOB_WAIT_SECONDS,
    }),
  },
  response: JOB_RESULT,
  async waitFirst({ db, caller, jobEnds }, { jobid, wait = 0 }, gone) {
    if (wait === 0 || jobid === undefined || !isUuid(jobid)) return;
    const job = await jobState(db, jobid);
    const { accountId } = caller;
    const isSeen = caller.role === 'admin' || job?.account_id === accountId;
    if (isSeen && job?.job_status === jobStatus.pending)
      await jobEnds.wait({ jobId: jobid, accountId, ms: wait * 1000 }, gone);
  },
  async run(context, values) {
    const { db, caller } = context;
    const [parameter, given] = resourceOf(values);
    const job = await entity(context, parameter, given, async (uuid) => {
      if (parameter === 'jobid') {
        const found = await findJob(db, uuid);
        return caller.role === 'admin' || found?.account_id === caller.accountId ? found : undefined;
      }
      const accountId = caller.role === 'admin' ? undefined : caller.accountId;
      return newestJob(db, { accountId, instanceType: values.resourcetype, instanceId: uuid });
    });
    const [shown = job] = await withMachines(context, [job], { userDataDetails: true });
    return render(JOB_RESULT, shown, caller);
  },
});

/** The parameter that identifies the job, and its value. @throws ApiError 431 when neither a job nor a resource is given */
function resourceOf(values: {
  readonly jobid: string | undefined;
  readonly resourceid: string | undefined;
  readonly resourcetype: string | undefined;
}): readonly ['jobid' | 'resourceid', string] {
  if (values.jobid !== undefined) return ['jobid', values.jobid];
  if (values.resourceid !== undefined && values.resourcetype !== undefined)
    return ['resourceid', values.resourceid];
  throw badParameter('jobid', 'is missing: give it, or resourceid together with resourcetype.');
}
