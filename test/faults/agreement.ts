/** Whether the database and Temporal agree: what is in progress there has a workflow here, and the other way round. */
import { sql } from 'kysely';
import { copyWorkflowId, templateWorkflowId, vmWorkflowId, workflowTypes } from '../../model/names.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

/** Rows in progress, as the ids of the workflows that must work on them. */
async function rowsInProgress({ db }: EndToEnd): Promise<ReadonlySet<string>> {
  const copies = await sql<{ readonly template: string; readonly pool: string }>`
    select template.uuid as template, pool.uuid as pool from template_spool_ref copy
    join vm_template template on template.id = copy.template_id
    join storage_pool pool on pool.id = copy.pool_id
    where copy.state in ('Allocated', 'Creating', 'Destroying') and copy.download_state <> 'NOT_DOWNLOADED'
    union
    select awaited.template_uuid, awaited.pool_uuid from async_job_copy awaited
    join async_job job on job.id = awaited.job_id
    where awaited.settled is null and job.job_status = 0`.execute(db);
  const templates = await sql<{ readonly uuid: string }>`
    select uuid from vm_template where state = 'NotUploaded'
    union
    select instance_uuid from async_job where job_status = 0 and job_cmd in ('deleteTemplate', 'deleteIso')`.execute(
    db,
  );
  const machines = await sql<{ readonly uuid: string }>`
    select instance_uuid as uuid from async_job where job_status = 0 and instance_type = 'VirtualMachine'`.execute(
    db,
  );
  return new Set([
    ...copies.rows.map(({ template, pool }) => copyWorkflowId(template, pool)),
    ...templates.rows.map(({ uuid }) => templateWorkflowId(uuid)),
    ...machines.rows.map(({ uuid }) => vmWorkflowId(uuid)),
  ]);
}

/** Those whose work is in rows. */
const TYPES: readonly string[] = [
  workflowTypes.registration,
  workflowTypes.deletion,
  workflowTypes.deployment,
  workflowTypes.removal,
  workflowTypes.vm,
];

async function runningWorkflows({ temporal }: EndToEnd): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const { workflowId, type } of temporal.workflow.list({ query: 'ExecutionStatus = "Running"' }))
    if (TYPES.includes(type)) found.add(workflowId);
  return found;
}

/** @returns one sentence for each that has no counterpart; undefined when one of the two does not answer */
export async function disagreements(lab: EndToEnd): Promise<readonly string[] | undefined> {
  try {
    const rows = await rowsInProgress(lab);
    const workflows = await runningWorkflows(lab);
    return [
      ...[...rows].filter((id) => !workflows.has(id)).map((id) => `no workflow runs for the row of ${id}`),
      ...[...workflows].filter((id) => !rows.has(id)).map((id) => `no row is in progress for workflow ${id}`),
    ];
  } catch {
    return undefined;
  }
}
