/** Sizes of the histories of all closed runs, as Temporal's visibility has them. */
import { Client, Connection } from '@temporalio/client';
import { workflowTypes } from '../../model/names.ts';
import { NAMESPACE } from '../empty-engine.ts';
import type { Stack } from '../stack.ts';
import { summaryOf } from './results.ts';
import type { Histories, HistoryBytes } from './results.ts';

export async function historiesOf({ ready }: Stack): Promise<readonly Histories[]> {
  const connection = await Connection.connect({ address: ready.temporalAddress });
  try {
    const { workflow } = new Client({ connection, namespace: NAMESPACE });
    const found: Histories[] = [];
    for (const type of [workflowTypes.deployment, workflowTypes.rollout]) {
      const sizes: HistoryBytes[] = [];
      const query = `WorkflowType = '${type}' AND ExecutionStatus != 'Running'`;
      for await (const { historyLength, historySize } of workflow.list({ query, pageSize: 1000 }))
        sizes.push({ events: historyLength, bytes: historySize ?? 0 });
      if (sizes.length > 0) found.push({ type, ...summaryOf(sizes) });
    }
    return found;
  } finally {
    await connection.close();
  }
}
