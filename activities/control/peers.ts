/** The control side of doors: which hosts have old credentials, and new ones for them. */
import { ApplicationFailure } from '@temporalio/common';
import type { HostAddress } from '../../db/hosts/hosts.ts';
import { outdatedPeers, peersOfZone, trustedOf, zoneOfPeer, zonesWithPeers } from '../../db/peers/hosts.ts';
import { peerKeys } from '../../db/peers/keys.ts';
import { NOT_POSSIBLE } from '../../model/names.ts';
import { credentialBytes } from '../../model/spread.ts';
import type { PeerCredentials } from '../../model/spread.ts';
import { CertificateRequestError, certifyHost } from '../../trust/peer-certificates.ts';
import type { ControlDeps } from './deps.ts';

/** A host that is Up and does not know what it is to know. */
export type OutdatedPeer = Pick<HostAddress, 'hostId' | 'name'>;

export interface PeersChoice {
  /** Hosts to leave out. */
  readonly except: readonly string[];
  /** Hosts at most. */
  readonly limit: number;
}

export interface PeersPlan {
  readonly hosts: readonly OutdatedPeer[];
  /** Size of what each of them gets, at most. */
  readonly bytes: number;
}

export interface PeerActivities {
  /** The hosts of a zone to send credentials to. @param choice absent in calls of earlier releases */
  planPeers(zoneId: string, choice?: PeersChoice): Promise<PeersPlan>;
  /** What a host is to know now, with a new certificate. Nothing when it has no door, or was removed. */
  certifyPeer(hostId: string): Promise<{ readonly credentials?: PeerCredentials }>;
}

export function createPeerActivities(deps: ControlDeps): PeerActivities {
  const { db, masterKey } = deps;
  return {
    async planPeers(zoneId, { except, limit } = { except: [], limit: Infinity }) {
      const { hosts, bytes } = await outdatedIn(deps, zoneId);
      const leftOut = new Set(except);
      return { hosts: hosts.filter(({ hostId }) => !leftOut.has(hostId)).slice(0, limit), bytes };
    },

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

async function outdatedIn({ db, masterKey }: ControlDeps, zoneId: string): Promise<PeersPlan> {
  const hosts = await peersOfZone(db, zoneId);
  if (hosts.length === 0) return { hosts: [], bytes: 0 };
  const trusted = trustedOf(hosts, await peerKeys(db, masterKey));
  const outdated = outdatedPeers(hosts, trusted, new Date());
  return { hosts: outdated.map(({ hostId, name }) => ({ hostId, name })), bytes: credentialBytes(trusted) };
}

/** Has new credentials sent where hosts have old ones. @returns the number of zones that have such hosts */
export async function sweepPeers(deps: ControlDeps): Promise<number> {
  let requested = 0;
  for (const zoneId of await zonesWithPeers(deps.db)) {
    if ((await outdatedIn(deps, zoneId)).hosts.length === 0) continue;
    await deps.orchestration.requestPeers(zoneId);
    requested += 1;
  }
  return requested;
}
