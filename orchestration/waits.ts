/** Which workflows wait, and why, from Temporal's list of workflows. */
import type { Client } from '@temporalio/client';
import { attributeKey } from './search-attributes.ts';

export interface WaitFigures {
  /** Workflow type. */
  readonly workflow: string;
  /** One word, the search attribute `Reason`. */
  readonly reason: string;
  readonly count: number;
  /** Seconds since the oldest of these runs began. */
  readonly oldest: number;
}

/** One page, so that the question costs the same whatever waits. */
const MAX_WAITS = 1000;

export async function readWaits(client: Client): Promise<readonly WaitFigures[]> {
  const query = `State = 'Waiting' AND ExecutionStatus = 'Running'`;
  const found = new Map<string, WaitFigures>();
  let read = 0;
  for await (const run of client.workflow.list({ query, pageSize: MAX_WAITS })) {
    const reason = run.typedSearchAttributes.get(attributeKey('Reason')) ?? 'unknown';
    const key = `${run.type} ${reason}`;
    const age = (Date.now() - run.startTime.getTime()) / 1000;
    const { count = 0, oldest = 0 } = found.get(key) ?? {};
    found.set(key, { workflow: run.type, reason, count: count + 1, oldest: Math.max(oldest, age) });
    read += 1;
    if (read === MAX_WAITS) break;
  }
  return [...found.values()];
}
