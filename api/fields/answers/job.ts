/** Jobs and events as the API shows them. */
import type { EventListRow } from '../../../db/events/listing.ts';
import type { FailedResult, RecordedError } from '../../../db/jobs/jobs.ts';
import type { JobListRow } from '../../../db/jobs/listing.ts';
import type { User } from '../../../db/accounts/accounts.ts';
import { adviceOn } from '../../../model/job-errors.ts';
import { withHost } from '../../../model/failures.ts';
import { jobStatus } from '../../../model/states.ts';
import { DEPLOYMENT_STATES } from './deployment.ts';
import { ROLLOUT_OUTCOME } from './rollout.ts';
import { CLEANED } from './pool-file.ts';
import { IN_DOMAIN } from './domain.ts';
import { ERROR_ADVICE } from '../../server/errors.ts';
import {
  type Answer,
  date,
  type FieldDocs,
  forAdmins,
  integer,
  oneOf,
  optional,
  type Shape,
  string,
} from '../response.ts';

/** What jobs work on, as CloudStack names the types. */
export const JOB_RESOURCES = [
  'Template',
  'Iso',
  'Host',
  'StoragePool',
  'Account',
  'User',
  'VirtualMachine',
  'Network',
] as const;
export type JobResource = (typeof JOB_RESOURCES)[number];

/** Percent of the copies that are settled, from the database: Temporal may be down, or have forgotten the workflow. */
const percentOf = ({ job_status, copies, settled }: JobListRow): number => {
  if (job_status === jobStatus.done) return 100;
  return copies === 0 ? 0 : Math.floor((100 * settled) / copies);
};

/** A copy in the outcome of the job that deployed it. */
export const DEPLOYED_COPY: FieldDocs = {
  id: { type: 'string', description: 'the id of the copy' },
  templateid: { type: 'string', description: 'the id of the template or ISO' },
  templatename: { type: 'string', description: 'the name of the template or ISO' },
  storageid: { type: 'string', description: 'the id of the pool' },
  storagename: { type: 'string', description: 'the name of the pool' },
  state: { type: 'string', description: 'the state of the copy', words: DEPLOYMENT_STATES },
  downloadstate: { type: 'string', description: 'the state of its download' },
};

export const JOB_OUTCOME: FieldDocs = {
  errorcode: { type: 'integer', description: 'the code of the error', optional: true },
  errortext: { type: 'string', description: 'why it failed', optional: true },
  errorkind: { type: 'string', description: 'why it failed, as one word for programs', optional: true },
  advice: { type: 'string', description: 'what can be done about it', optional: true },
  hostid: {
    type: 'string',
    description: 'the id of the host that the error is about; for administrators',
    optional: true,
  },
  success: { type: 'boolean', description: 'true, where there is nothing else to say', optional: true },
  templatedeployment: {
    type: 'list',
    description: 'the copies that were deployed, at most 500; listTemplateDeployments has all of a roll-out',
    fields: DEPLOYED_COPY,
    optional: true,
  },
  templaterollout: {
    type: 'map',
    description: 'how many copies of a roll-out are there, and why others are not',
    fields: ROLLOUT_OUTCOME,
    optional: true,
  },
  storagepoolcleanup: {
    type: 'list',
    description:
      'what a cleanup of a storage pool found, or what became of the files that were to be removed',
    fields: CLEANED,
    optional: true,
  },
  storagepoolcleanupmore: {
    type: 'integer',
    description:
      'how many more files and copies there are than the 500 of each kind that are listed; absent: none',
    optional: true,
  },
};

/** A failed job's result as the caller may see it: only administrators learn hosts. */
function resultOf({ job_status, job_result }: JobListRow, caller: User): Answer | null {
  if (job_status !== jobStatus.failed) return job_result as Answer | null;
  const { errorcode, errortext, errors = [], templaterollout } = job_result as FailedResult;
  const isAdmin = caller.role === 'admin';
  const [first] = errors;
  return {
    errorcode,
    errortext: isAdmin && errors.length > 0 ? withHosts(errors) : errortext,
    ...explained(first?.kind ?? 'InternalFault'),
    ...(isAdmin && first?.host ? { hostid: first.host.id } : {}),
    ...(templaterollout === undefined ? {} : { templaterollout }),
  };
}

const explained = (errorkind: string): Answer => ({
  errorkind,
  advice: adviceOn(errorkind) ?? ERROR_ADVICE.InternalFault,
});

const withHosts = (errors: readonly RecordedError[]): string =>
  [...new Set(errors.map(({ text, host }) => withHost(text, host)))].toSorted().join('; ');

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
  jobresulttype: optional.string('what the result is', ({ job_status }) =>
    job_status === jobStatus.pending ? undefined : 'object',
  ),
  jobresult: optional.map(
    'the result; of a failed job errorcode, errortext, errorkind, advice and hostid',
    resultOf,
    JOB_OUTCOME,
  ),
  jobinstancetype: optional.string('what it works on', ({ instance_type }) => instance_type),
  jobinstanceid: optional.string('the id of what it works on', ({ instance_uuid }) => instance_uuid),
  created: date('when it was asked for', ({ created }) => created),
  completed: optional.date('when it ended', ({ completed }) => completed),
};

export const EVENT: Shape<EventListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  type: string('what happened, such as TEMPLATE.CREATE', ({ type }) => type),
  level: oneOf(['INFO', 'WARN', 'ERROR'], 'INFO, WARN or ERROR', ({ level }) => level),
  state: string('Created, Scheduled, Started or Completed', ({ state }) => state),
  description: string('what happened, as a sentence', ({ description, host }, { role }) =>
    role === 'admin' ? withHost(description, host) : description,
  ),
  hostid: forAdmins(optional.string('the id of the host on which it happened', ({ host }) => host?.id)),
  username: optional.string('who did it', ({ username }) => username),
  account: optional.string('the account of who did it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
  resourcetype: optional.string('what it happened to', ({ resource_type }) => resource_type),
  resourceid: optional.string('the id of what it happened to', ({ resource_uuid }) => resource_uuid),
  resourcename: optional.string('its name, if it is still there', ({ resource_name }) => resource_name),
  workflowid: forAdmins(optional.string('the workflow in Temporal', ({ workflow_id }) => workflow_id)),
  created: date('when', ({ created }) => created),
};
