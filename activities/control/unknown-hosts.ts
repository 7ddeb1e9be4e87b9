/**
 * Host workers that the database does not know: they joined after the moment to which the database was restored, or their
 * hosts were removed. Nothing is sent to them, so an event says what to do.
 */
import { recordEvent, toldEvents } from '../../db/events/events.ts';
import type { Queryable } from '../../db/database.ts';
import { unknownHosts } from '../../db/hosts/hosts.ts';
import type { Heartbeats } from '../../db/hosts/hosts.ts';

/** Hosts that one look tells of; the next one tells of more. */
const MAX_TOLD = 100;

/**
 * @returns a function that is given the listed heartbeats, and records an event, once a day, for each unknown host whose worker has
 * sent one since the function was called before: the server lists a worker that died for some minutes
 */
export function watchUnknownHosts(db: Queryable): (listed: ReadonlyMap<string, Heartbeats>) => Promise<void> {
  let before: ReadonlyMap<string, string> = new Map();
  return async (listed) => {
    const unknown = await unknownHosts(db, [...listed.keys()]);
    const now = new Map(unknown.map((hostId) => [hostId, JSON.stringify(listed.get(hostId))]));
    const living = unknown.filter((hostId) => before.has(hostId) && before.get(hostId) !== now.get(hostId));
    before = now;
    const day = new Date().toISOString().slice(0, 10);
    const untold = await untoldHosts(db, living, day, MAX_TOLD);
    for (const hostId of untold) {
      await recordEvent(db, {
        type: 'HOST.UNKNOWN',
        level: 'WARN',
        description: `A worker of host ${hostId} is connected, which the database does not know: restart its service, so that it asks to join again, and approve it; or stop it, if the host was removed`,
        resourceType: 'Host',
        resourceUuid: hostId,
        once: onceOf(hostId, day),
      });
    }
  };
}

const onceOf = (hostId: string, day: string): string => `unknown:${hostId}:${day}`;

/** @returns at most `limit` of these hosts of which no event has told on this day */
async function untoldHosts(
  db: Queryable,
  hostIds: readonly string[],
  day: string,
  limit: number,
): Promise<readonly string[]> {
  const told = new Set(
    await toldEvents(
      db,
      hostIds.map((hostId) => onceOf(hostId, day)),
    ),
  );
  return hostIds.filter((hostId) => !told.has(onceOf(hostId, day))).slice(0, limit);
}
