import { listJobs } from '../../db/listings/jobs.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { date, flag, integer } from '../parameters.ts';
import { answerList } from '../response.ts';
import { JOB_RESULT } from '../responses/job.ts';

export const listAsyncJobs = defineCommand({
  name: 'listAsyncJobs',
  description: 'Lists jobs, the newest first. Users see those of their account.',
  roles: EVERYBODY,
  parameters: {
    startdate: date('those from this moment on'),
    jobstatus: integer('0: those that run; 1: those that are done; 2: those that failed', { min: 0, max: 2 }),
    listall: flag('taken for the sake of other clients: all that the caller may see are listed'),
    ...pagingParameters,
  },
  objects: 'asyncjobs',
  response: JOB_RESULT,
  async run({ db, caller }, values) {
    const query = {
      accountId: caller.role === 'admin' ? undefined : caller.accountId,
      start: values.startdate,
      status: values.jobstatus,
      keyword: values.keyword,
    };
    return answerList('asyncjobs', JOB_RESULT, await listJobs(db, query, readPage(values)), caller);
  },
});
