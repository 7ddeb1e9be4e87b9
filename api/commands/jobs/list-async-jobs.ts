import { listJobs } from '../../../db/jobs/listing.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ownerOf, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, date, id, integer, isUuid } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { withMachines } from './job-machines.ts';
import { JOB_RESOURCES, JOB_RESULT } from '../../fields/answers/job.ts';

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
    const { count, rows } = await listJobs(db, query, page);
    const jobs = await withMachines(context, rows, {});
    return answerList('asyncjobs', JOB_RESULT, { count, rows: jobs }, caller);
  },
});
