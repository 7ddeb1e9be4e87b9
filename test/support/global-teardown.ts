/** Ends what global-setup.ts started, and waits until it is gone. */
import { rm } from 'node:fs/promises';
import { keptServers } from './servers.ts';

// oxlint-disable-next-line import/no-default-export -- Jest asks for one
export default async function tearDown(): Promise<void> {
  const servers = keptServers();
  if (servers === undefined) return;
  await Promise.all([servers.temporal.stop(), servers.postgres.stop()]);
  await rm(servers.folder, { recursive: true, force: true });
}
