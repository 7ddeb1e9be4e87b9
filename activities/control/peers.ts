/** The control side of doors: which hosts are to be told what, and their certificates. */
import { ApplicationFailure } from '@temporalio/common';
import type { HostAddress } from '../../db/hosts/hosts.ts';
import { peersOfZone, trustedOf, untold, zoneOfPeer, zonesWithPeers } from '../../db/peers/hosts.ts';
import { peerKeys } from '../../db/peers/keys.ts';
import { NOT_POSSIBLE } from '../../model/names.ts';
import type { PeerCredentials } from '../../model/spread.ts';
import { CertificateRequestError, certifyHost } from '../../trust/peer-certificates.ts';
import type { ControlDeps } from './deps.ts';

export type HostToTell = Pick<HostAddress, 'hostId' | 'name'>;

export interface PeerActivities {
  /** The hosts of a zone that are Up and do not know what they are to know. */
  planPeers(zoneId: string): Promise<{ readonly hosts: readonly HostToTell[] }>;
  /** What a host is to know now, with a new certificate. Nothing when it has no door, or was removed. */
  certifyPeer(hostId: string): Promise<{ readonly credentials?: PeerCredentials }>;
}

export function createPeerActivities(deps: ControlDeps): PeerActivities {
  const { db, masterKey } = deps;
  return {
    planPeers: async (zoneId) => ({ hosts: await hostsToTell(deps, zoneId) }),

    async certifyPeer(hostId) {
      const zoneId = await zoneOfPeer(db, hostId);
      if (zoneId === undefined) return {};
      const hosts = await peersOfZone(db, zoneId);
      const peer = hosts.find((host) => host.hostId === hostId)?.peer;
      if (peer === undefined) return {};
      const keys = await peerKeys(db, masterKey);
      const { address, certificateRequest } = peer;
      try {
        const about = { hostId, address };
        const certificate = await certifyHost(keys.issuer, certificateRequest, about, new Date());
        return { credentials: { v: 1, certificate, ...trustedOf(hosts, keys) } };
      } catch (error) {
        if (!(error instanceof CertificateRequestError)) throw error;
        throw ApplicationFailure.nonRetryable(error.message, NOT_POSSIBLE);
      }
    },
  };
}

async function hostsToTell({ db, masterKey }: ControlDeps, zoneId: string): Promise<readonly HostToTell[]> {
  const hosts = await peersOfZone(db, zoneId);
  if (hosts.length === 0) return [];
  const trusted = trustedOf(hosts, await peerKeys(db, masterKey));
  return untold(hosts, trusted, new Date()).map(({ hostId, name }) => ({ hostId, name }));
}

/** Has the hosts told that do not know what they are to know. @returns the number of zones that have such hosts */
export async function sweepPeers(deps: ControlDeps): Promise<number> {
  let requested = 0;
  for (const zoneId of await zonesWithPeers(deps.db)) {
    if ((await hostsToTell(deps, zoneId)).length === 0) continue;
    await deps.orchestration.requestPeers(zoneId);
    requested += 1;
  }
  return requested;
}
