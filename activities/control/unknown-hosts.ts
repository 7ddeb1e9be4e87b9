/**
 * Host workers that the database does not know: they joined after the moment to which the database was restored, or their
 * hosts were removed. Nothing is sent to them, so an event says what to do.
 */
import { recordEvent } from '../../db/events/events.ts';
import { unknownHosts } from '../../db/hosts/hosts.ts';
import type { ControlDeps } from './deps.ts';

/**
 * @returns a function that records an event, once a day, for each unknown host whose worker has sent a heartbeat since the
 * function was called before: the server lists a worker that died for some minutes
 */
export function watchUnknownHosts({
  db,
  orchestration,
}: Pick<ControlDeps, 'db' | 'orchestration'>): () => Promise<number> {
  let before: ReadonlyMap<string, string> = new Map();
  return async () => {
    const listed = await orchestration.heartbeats();
    const unknown = await unknownHosts(db, [...listed.keys()]);
    const now = new Map(unknown.map((hostId) => [hostId, JSON.stringify(listed.get(hostId))]));
    const living = unknown.filter((hostId) => before.has(hostId) && before.get(hostId) !== now.get(hostId));
    before = now;
    for (const hostId of living) {
      await recordEvent(db, {
        type: 'HOST.UNKNOWN',
        level: 'WARN',
        description: `A worker of host ${hostId} is connected, which the database does not know: restart its service, so that it asks to join again, and approve it; or stop it, if the host was removed`,
        resourceType: 'Host',
        resourceUuid: hostId,
        once: `unknown:${hostId}:${new Date().toISOString().slice(0, 10)}`,
      });
    }
    return living.length;
  };
}
