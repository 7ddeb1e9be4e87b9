/** Ends what global-setup.ts started, and waits until it is gone. */
import { endServers } from './servers.ts';

// oxlint-disable-next-line import/no-default-export -- Jest asks for one
export default async function tearDown(): Promise<void> {
  await endServers();
}
