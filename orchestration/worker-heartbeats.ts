/** Heartbeats of host workers, from the server's list of workers. */
import type { Client } from '@temporalio/client';

const PAGE_SIZE = 500;
/**
 * The two task queues of a host; no other worker polls them. A worker cannot be recognised by its identity: the server
 * lists the identity of its connection.
 */
const HOST_QUEUE = /^host:([0-9a-f-]{36})(?::transfer)?$/;

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
      const hostId = HOST_QUEUE.exec(taskQueue ?? '')?.[1];
      if (hostId === undefined || !workerInstanceKey || !heartbeatTime) continue;
      const time = `${String(heartbeatTime.seconds ?? 0)}.${heartbeatTime.nanos ?? 0}`;
      found.set(hostId, { ...found.get(hostId), [workerInstanceKey]: time });
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return found;
}
