/** What global-setup.ts started and global-teardown.ts ends; both run in Jest's own process. */
import type { Postgres } from '../../workers/dev/postgres.ts';
import type { TemporalServer } from '../../workers/dev/temporal-server.ts';

export interface Servers {
  readonly folder: string;
  readonly postgres: Postgres;
  readonly temporal: TemporalServer;
}

// Jest loads the two files apart from each other, so a variable of this module would be there twice.
const place = globalThis as { bypassTestServers?: Servers };

export function keepServers(servers: Servers): void {
  place.bypassTestServers = servers;
}

export const keptServers = (): Servers | undefined => place.bypassTestServers;
