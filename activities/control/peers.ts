/** The control side of doors: which hosts have old credentials, and new ones for them. */
import { ApplicationFailure } from '@temporalio/common';
import type { HostAddress } from '../../db/hosts/hosts.ts';
import {
  hasLastingCertificate,
  outdatedPeers,
  peersOfZone,
  recordTrusted,
  trustedOf,
  zoneOfPeer,
} from '../../db/peers/hosts.ts';
import type { PeerHost } from '../../db/peers/hosts.ts';
import { peerKeys } from '../../db/peers/keys.ts';
import { changesOfPeers, rememberPeers } from '../../db/peers/lists.ts';
import type { Place } from '../../db/zones/zones.ts';
import { NOT_POSSIBLE } from '../../model/names.ts';
import { credentialBytes } from '../../model/spread.ts';
import type { PeersKnown } from '../../model/host-activities.ts';
import type { PeerChange, PeerCredentials, TrustedPeers } from '../../model/spread.ts';
import { CertificateRequestError, certifyHost } from '../../trust/peer-certificates.ts';
import { trustedDigest } from '../../trust/tickets.ts';
import { readSigned } from './answers.ts';
import type { ControlDeps } from './deps.ts';

/** A host that is Up and does not know what it is to know. */
export interface OutdatedPeer extends Pick<HostAddress, 'hostId' | 'name'> {
  /** All that it is to be told, where it knows the rest. */
  readonly change?: PeerChange;
}

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
  /** Records what a host knows after a change. */
  recordPeers(answer: PeersKnown): Promise<void>;
}

export function createPeerActivities(deps: ControlDeps): PeerActivities {
  const { db, masterKey } = deps;
  return {
    async planPeers(zoneId, { except, limit } = { except: [], limit: Infinity }) {
      const found = await outdatedIn(deps, zoneId);
      if (found === undefined) return { hosts: [], bytes: 0 };
      const { trusted } = found;
      const leftOut = new Set(except);
      const due = found.hosts.filter(({ hostId }) => !leftOut.has(hostId)).slice(0, limit);
      await rememberPeers(db, zoneId, trustedDigest(trusted), trusted.hostIds);
      const changes = await changesOfPeers(
        db,
        [...new Set(due.flatMap((host) => knownOf(host) ?? []))],
        trusted,
      );
      const hosts = due.map((host) => ({ ...nameOf(host), ...changeFor(host, changes) }));
      const isWhole = hosts.some(({ change }) => change === undefined);
      return { hosts, bytes: isWhole ? credentialBytes(trusted) : CHANGE_BYTES };
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

    async recordPeers(answer) {
      const { hostId, trusted } = await readSigned(db, ['changePeers'], answer);
      await recordTrusted(db, hostId, trusted);
    },
  };
}

/** @returns undefined when the zone has no hosts with a door */
async function outdatedIn(
  { db, masterKey }: ControlDeps,
  zoneId: string,
): Promise<{ readonly hosts: readonly PeerHost[]; readonly trusted: TrustedPeers } | undefined> {
  const hosts = await peersOfZone(db, zoneId);
  if (hosts.length === 0) return undefined;
  const trusted = trustedOf(hosts, await peerKeys(db, masterKey));
  return { hosts: outdatedPeers(hosts, trusted, new Date()), trusted };
}

/** Of the changes that a plan names, a host that is told of one gets a few. */
const CHANGE_BYTES = 4096;

const nameOf = ({ hostId, name }: PeerHost): OutdatedPeer => ({ hostId, name });

/** What a host was told that could do with a change of it alone. */
const knownOf = ({ peer, heedsChanges }: PeerHost): string | undefined =>
  heedsChanges && hasLastingCertificate(peer, new Date()) ? peer.trusted : undefined;

function changeFor(host: PeerHost, changes: ReadonlyMap<string, PeerChange>): Pick<OutdatedPeer, 'change'> {
  const change = changes.get(knownOf(host) ?? '');
  return change === undefined ? {} : { change };
}

/** Has new credentials sent where hosts of these zones have old ones. @returns the number of zones that have such hosts */
export async function sweepPeers(deps: ControlDeps, zones: readonly Place[]): Promise<number> {
  let requested = 0;
  for (const { uuid: zoneId } of zones) {
    if (((await outdatedIn(deps, zoneId))?.hosts ?? []).length === 0) continue;
    await deps.orchestration.requestPeers(zoneId);
    requested += 1;
  }
  return requested;
}
