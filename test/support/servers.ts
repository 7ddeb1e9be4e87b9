/** What global-setup.ts started and global-teardown.ts ends; both run in Jest's own process. */
import { rm } from 'node:fs/promises';

export interface Servers {
  /** Of the run; holds all data and logs. */
  readonly folder: string;
  readonly started: readonly { stop(): Promise<void> }[];
}

// Jest loads the two files apart from each other, so a variable of this module would be there twice.
const place = globalThis as { bypassTestServers?: Servers };

export function keepServers(servers: Servers): void {
  place.bypassTestServers = servers;
}

/** Resolves when they are gone. */
export async function endServers(): Promise<void> {
  const servers = place.bypassTestServers;
  delete place.bypassTestServers;
  if (servers === undefined) return;
  await Promise.all(servers.started.map((server) => server.stop()));
  await rm(servers.folder, { recursive: true, force: true });
}
