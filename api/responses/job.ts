/** Jobs and events as the API shows them. */
import type { EventListRow } from '../../db/listings/events.ts';
import type { JobListRow } from '../../db/listings/jobs.ts';
import { jobStatus } from '../../model/states.ts';
import { IN_DOMAIN } from './domain.ts';
import { date, forAdmins, integer, map, type Shape, string } from '../response.ts';

/** What jobs work on, as CloudStack names the types. */
export const JOB_RESOURCES = ['Template', 'Iso', 'Host', 'StoragePool', 'Account'] as const;
export type JobResource = (typeof JOB_RESOURCES)[number];

/** By what is recorded: Temporal need not be asked, nor remember. */
const percentOf = ({ job_status, copies, settled }: JobListRow): number => {
  if (job_status === jobStatus.done) return 100;
  return copies === 0 ? 0 : Math.floor((100 * settled) / copies);
};

export const JOB_RESULT: Shape<JobListRow> = {
  jobid: string('the id of the job', ({ uuid }) => uuid),
  accountid: string('the id of the account that asked', ({ account_uuid }) => account_uuid),
  account: string('the name of that account', ({ account_name }) => account_name),
  ...IN_DOMAIN,
  userid: string('the id of the user who asked', ({ user_uuid }) => user_uuid),
  cmd: string('the command', ({ job_cmd }) => job_cmd),
  jobstatus: integer('0 while it runs, 1 when it is done, 2 when it failed', ({ job_status }) => job_status),
  jobprocstatus: integer('percent of what it is about that is done', percentOf),
  jobresultcode: integer('0, or the code of the error', ({ job_result_code }) => job_result_code),
  jobresulttype: string('what the result is', ({ job_status }) =>
    job_status === jobStatus.pending ? undefined : 'object',
  ),
  jobresult: map('the result, or errorcode and errortext', ({ job_result }) =>
    job_result === null ? undefined : (job_result as Record<string, unknown>),
  ),
  jobinstancetype: string('what it works on', ({ instance_type }) => instance_type),
  jobinstanceid: string('the id of what it works on', ({ instance_uuid }) => instance_uuid),
  created: date('when it was asked for', ({ created }) => created),
  completed: date('when it ended', ({ completed }) => completed),
};

export const EVENT: Shape<EventListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  type: string('what happened, such as TEMPLATE.CREATE', ({ type }) => type),
  level: string('INFO, WARN or ERROR', ({ level }) => level),
  state: string('Created, Scheduled, Started or Completed', ({ state }) => state),
  description: string('what happened, as a sentence', ({ description }) => description),
  username: string('who did it', ({ username }) => username),
  account: string('the account of who did it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
  resourcetype: string('what it happened to', ({ resource_type }) => resource_type),
  resourceid: string('the id of what it happened to', ({ resource_uuid }) => resource_uuid),
  resourcename: string('its name, if it is still there', ({ resource_name }) => resource_name),
  workflowid: forAdmins(string('the workflow in Temporal', ({ workflow_id }) => workflow_id)),
  created: date('when', ({ created }) => created),
};
