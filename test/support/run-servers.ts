/**
 * The servers of a test run: global-setup.ts starts them, global-teardown.ts ends them. Both run in Jest's own
 * process.
 */
import { rm } from 'node:fs/promises';

export interface Servers {
  /** Folder of the run, with all data and logs. */
  readonly folder: string;
  /** Each before those that it needs. */
  readonly started: readonly { stop(): Promise<void> }[];
}

// Jest loads the two files separately, so a variable of this module would exist twice.
const place = globalThis as { bypassTestServers?: Servers };

export function keepServers(servers: Servers): void {
  place.bypassTestServers = servers;
}

/** Stops the servers, one after the other, and removes their folder. */
export async function endServers(): Promise<void> {
  const servers = place.bypassTestServers;
  delete place.bypassTestServers;
  if (servers === undefined) return;
  for (const server of servers.started) await server.stop();
  await rm(servers.folder, { recursive: true, force: true });
}
