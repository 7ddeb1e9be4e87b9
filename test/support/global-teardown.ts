/** Stops the servers of global-setup.ts, and waits for their end. */
import { endServers } from './run-servers.ts';

// oxlint-disable-next-line import/no-default-export -- Jest asks for one
export default async function tearDown(): Promise<void> {
  await endServers();
}
