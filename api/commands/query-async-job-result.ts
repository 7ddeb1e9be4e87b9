import { findJob, newestJob } from '../../db/listings/jobs.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { entity } from '../entities.ts';
import { badParameter } from '../errors.ts';
import { choice, id } from '../parameters.ts';
import { render } from '../response.ts';
import { JOB_RESOURCES, JOB_RESULT } from '../responses/job.ts';

export const queryAsyncJobResult = defineCommand({
  name: 'queryAsyncJobResult',
  description: 'Tells whether a job is done, and with what result.',
  roles: EVERYBODY,
  parameters: {
    jobid: id('the job; or its resource'),
    resourceid: id('without jobid, and with resourcetype: the newest job of this resource'),
    resourcetype: choice('of which type the resource is', JOB_RESOURCES),
  },
  response: JOB_RESULT,
  async run(context, values) {
    const { db, caller } = context;
    const [parameter, given] = asked(values);
    const job = await entity(context, parameter, given, async (uuid) => {
      if (parameter === 'jobid') {
        const found = await findJob(db, uuid);
        return caller.role === 'admin' || found?.account_id === caller.accountId ? found : undefined;
      }
      const accountId = caller.role === 'admin' ? undefined : caller.accountId;
      return newestJob(db, { accountId, instanceType: values.resourcetype, instanceId: uuid });
    });
    return render(JOB_RESULT, job, caller);
  },
});

/** By what the job is looked for. @throws ApiError 431 */
function asked(values: {
  readonly jobid: string | undefined;
  readonly resourceid: string | undefined;
  readonly resourcetype: string | undefined;
}): readonly ['jobid' | 'resourceid', string] {
  if (values.jobid !== undefined) return ['jobid', values.jobid];
  if (values.resourceid !== undefined && values.resourcetype !== undefined)
    return ['resourceid', values.resourceid];
  throw badParameter('jobid', 'is missing: give it, or resourceid together with resourcetype.');
}
