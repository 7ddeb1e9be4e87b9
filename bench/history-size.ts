/** What deployments have in their histories: medians of some of them. */
import { Client, Connection } from '@temporalio/client';
import { copyWorkflowId } from '../model/names.ts';
import { NAMESPACE } from './empty-engine.ts';
import type { Stack } from './stack.ts';
import { median } from './statistics.ts';

export interface HistorySize {
  /** Through a queue, as those of hosts. */
  readonly activities: number;
  /** Within the workflow's own tasks. */
  readonly local: number;
  readonly events: number;
}

const SAMPLES = 20;

/** @param templates that were brought onto all of the pools */
export async function historySize(
  { ready }: Stack,
  templates: readonly string[],
  pools: readonly string[],
): Promise<HistorySize> {
  const ids = templates.flatMap((template) => pools.map((pool) => copyWorkflowId(template, pool)));
  const connection = await Connection.connect({ address: ready.temporalAddress });
  try {
    const { workflow } = new Client({ connection, namespace: NAMESPACE });
    const histories = await Promise.all(
      ids.slice(0, SAMPLES).map((id) => workflow.getHandle(id).fetchHistory()),
    );
    const all = histories.map(({ events }) => events ?? []);
    return {
      activities: median(all.map((events) => events.filter(isActivity).length)),
      local: median(all.map((events) => events.filter(isLocalActivity).length)),
      events: median(all.map(({ length }) => length)),
    };
  } finally {
    await connection.close();
  }
}

type HistoryEvent = NonNullable<
  Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>['events']
>[number];

const isActivity = ({ activityTaskScheduledEventAttributes: found }: HistoryEvent): boolean => Boolean(found);

const isLocalActivity = ({ markerRecordedEventAttributes: found }: HistoryEvent): boolean =>
  found?.markerName === 'core_local_activity';
