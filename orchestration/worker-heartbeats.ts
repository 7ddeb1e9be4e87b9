/** Heartbeats of host workers, from the server's list of workers. */
import type { Client } from '@temporalio/client';
import { hostOfQueue } from '../model/names.ts';

const PAGE_SIZE = 500;

/**
 * The heartbeat time of each worker, by host id and worker. A worker that died stays in the list for minutes, with an
 * unchanged time.
 */
export async function listHeartbeats(
  client: Client,
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const { namespace } = client.options;
  const found = new Map<string, Record<string, string>>();
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await client.workflowService.listWorkers({ namespace, pageSize: PAGE_SIZE, nextPageToken });
    for (const { workerHeartbeat } of page.workersInfo) {
      const { taskQueue, workerInstanceKey, heartbeatTime } = workerHeartbeat ?? {};
      // By its queue, which no other worker polls: identities differ from release to release.
      const hostId = hostOfQueue(taskQueue ?? '');
      if (hostId === undefined || !workerInstanceKey || !heartbeatTime) continue;
      const time = `${String(heartbeatTime.seconds ?? 0)}.${heartbeatTime.nanos ?? 0}`;
      found.set(hostId, { ...found.get(hostId), [workerInstanceKey]: time });
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return found;
}
