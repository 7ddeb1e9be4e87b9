import { listJobs } from '../../db/listings/jobs.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { ownerOf, ownerParameters } from '../owners.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { choice, date, id, integer, isUuid } from '../parameters.ts';
import { answerList } from '../response.ts';
import { JOB_RESOURCES, JOB_RESULT } from '../responses/job.ts';

export const listAsyncJobs = defineCommand({
  name: 'listAsyncJobs',
  description: 'Lists jobs, the newest first. Users see those of their account.',
  roles: EVERYBODY,
  parameters: {
    startdate: date('those from this moment on'),
    jobstatus: integer('0: those that run; 1: those that are done; 2: those that failed', { min: 0, max: 2 }),
    resourcetype: choice('those that work on this type of resource', JOB_RESOURCES),
    resourceid: id('those that work on this resource'),
    ...ownerParameters,
    ...pagingParameters,
  },
  objects: 'asyncjobs',
  response: JOB_RESULT,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    const accountId = await ownerOf(context, values);
    if (values.resourceid !== undefined && !isUuid(values.resourceid)) return {};
    const query = {
      accountId,
      start: values.startdate,
      status: values.jobstatus,
      instanceType: values.resourcetype,
      instanceId: values.resourceid,
      keyword: values.keyword,
    };
    return answerList('asyncjobs', JOB_RESULT, await listJobs(db, query, page), caller);
  },
});
