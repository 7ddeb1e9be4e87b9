import { findJob } from '../../db/listings/jobs.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { entity } from '../entities.ts';
import { id, required } from '../parameters.ts';
import { render } from '../response.ts';
import { JOB_RESULT } from '../responses/job.ts';

export const queryAsyncJobResult = defineCommand({
  name: 'queryAsyncJobResult',
  description: 'Tells whether a job is done, and with what result.',
  roles: EVERYBODY,
  parameters: { jobid: required(id('the job')) },
  response: JOB_RESULT,
  async run(context, { jobid }) {
    const { db, caller } = context;
    const job = await entity(context, 'jobid', jobid, async (uuid) => {
      const found = await findJob(db, uuid);
      return caller.role === 'admin' || found?.account_id === caller.accountId ? found : undefined;
    });
    return render(JOB_RESULT, job, caller);
  },
});
