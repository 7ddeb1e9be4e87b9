/** Hosts of the control lab that serve copies to others, as far as the control side sees it. */
import { createHostPeers } from '../../activities/host/peers.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { capabilitiesOf } from '../../model/capabilities.ts';
import type { PeerChange, PeerCredentials } from '../../model/spread.ts';
import { createHostKey } from '../../trust/peer-certificates.ts';
import type { ControlLab } from '../labs/control.ts';
import type { ScriptedHost } from './scripted-host.ts';

interface HostWithDoor {
  readonly hostId: string;
  /** What it was told in the end, each time. */
  readonly received: readonly PeerCredentials[];
  /** What came as a change alone. */
  readonly changes: readonly PeerChange[];
}

/**
 * A host with a door.
 * @param before what it waits for before it answers
 * @param features that it reports; default: those of this release
 */
export async function addHostWithDoor(
  lab: ControlLab,
  name: string,
  before?: Promise<unknown>,
  features?: readonly string[],
): Promise<HostWithDoor> {
  const received: PeerCredentials[] = [];
  const changes: PeerChange[] = [];
  const ofThisRelease = capabilitiesOf([], PROTOCOLS);
  const capabilities = { ...ofThisRelease, features: features ?? ofThisRelease.features };
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
          capabilities,
        } as const;
        const peer = own.report();
        return { ...about, ...(peer === undefined ? {} : { peer }) };
      },
      async changePeers(change) {
        changes.push(change);
        const trusted = own.change(change);
        await before;
        return { v: 1, hostId: host.hostId, ...(trusted === undefined ? {} : { trusted }) };
      },
    },
  });
  await lab.db
    .updateTable('host')
    .set({ peer: JSON.stringify(own.report()) })
    .where('uuid', '=', host.hostId)
    .execute();
  return { hostId: host.hostId, received, changes };
}
