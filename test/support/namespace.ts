/** A namespace of its own for a test, on the run's Temporal. */
import { randomBytes } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { until } from './until.ts';

const RETENTION = '1 day';

/** @returns its name, once it answers: all parts of a cluster know a new namespace only after a while */
export async function createNamespace({
  workflowService,
}: Pick<Connection, 'workflowService'>): Promise<string> {
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  await workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs(RETENTION),
  });
  await until('the namespace answers', () =>
    workflowService.listWorkflowExecutions({ namespace, pageSize: 1 }).then(
      () => true,
      () => false,
    ),
  );
  return namespace;
}
