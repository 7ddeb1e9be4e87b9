/** Hosts of the control lab that serve copies to others, as far as the control side sees it. */
import { createHostPeers } from '../../activities/host/peers.ts';
import type { PeerCredentials } from '../../model/spread.ts';
import { createHostKey } from '../../trust/peer-certificates.ts';
import type { ControlLab } from '../labs/control.ts';
import type { ScriptedHost } from './scripted-host.ts';

/** A host with a door. @param before what it waits for before it answers */
export async function addHostWithDoor(
  lab: ControlLab,
  name: string,
  before?: Promise<unknown>,
): Promise<{ readonly hostId: string; readonly received: readonly PeerCredentials[] }> {
  const received: PeerCredentials[] = [];
  const key = await createHostKey('any');
  const door = { address: '127.0.0.1:7443', uploads: 4, rate: 0 };
  const own = createHostPeers({
    door,
    key,
    apply: (credentials) => void received.push(credentials),
    problem: () => undefined,
  });
  const host: ScriptedHost = await lab.addHost({
    name,
    script: {
      async setPeerCredentials(credentials) {
        own.take(credentials);
        await before;
        const about = {
          v: 1,
          hostId: host.hostId,
          version: '1',
          pools: [host.pool()],
          programs: [],
        } as const;
        const peer = own.report();
        return { ...about, ...(peer === undefined ? {} : { peer }) };
      },
    },
  });
  await lab.db
    .updateTable('host')
    .set({ peer: JSON.stringify(own.report()) })
    .where('uuid', '=', host.hostId)
    .execute();
  return { hostId: host.hostId, received };
}
