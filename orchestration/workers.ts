/** Signs of life of host workers, as the server lists them. */
import type { Client } from '@temporalio/client';

const PAGE_SIZE = 500;
const HOST_IDENTITY = /^host:([0-9a-f-]{36})$/;

/**
 * The heartbeat time of each worker, by host id and worker. Workers that died stay in the list for minutes, with a
 * time that does not move.
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
      const { workerIdentity, workerInstanceKey, heartbeatTime } = workerHeartbeat ?? {};
      const hostId = HOST_IDENTITY.exec(workerIdentity ?? '')?.[1];
      if (hostId === undefined || !workerInstanceKey || !heartbeatTime) continue;
      const time = `${String(heartbeatTime.seconds ?? 0)}.${heartbeatTime.nanos ?? 0}`;
      found.set(hostId, { ...found.get(hostId), [workerInstanceKey]: time });
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return found;
}
