/** What this host tells of its door, and what it is told of the hosts that may come in. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { PeerChange, PeerCredentials, PeerReport } from '../../model/spread.ts';
import { endOf } from '../../trust/certificates.ts';
import type { HostKey } from '../../trust/peer-certificates.ts';
import { trustedDigest } from '../../trust/tickets.ts';

export interface HostPeers {
  /** Undefined while the door cannot be opened: then nobody is sent to it. */
  report(): PeerReport | undefined;
  /** Why the door cannot be opened. */
  problem(): string | undefined;
  /** A certificate of another key, such as that of an earlier start, is passed over: the report asks for another one. */
  take(credentials: PeerCredentials): void;
  /**
   * Makes a change to what it was told, if that is what the change begins with.
   * @returns `trustedDigest` of what it was told, all in all; undefined when it must be told everything
   */
  change(change: PeerChange): string | undefined;
}

export interface HostPeersOptions {
  readonly door: Pick<PeerReport, 'address' | 'uploads' | 'rate'>;
  readonly key: HostKey;
  /** Called with credentials that replace earlier ones. */
  readonly apply: (credentials: PeerCredentials) => void;
  readonly problem: () => string | undefined;
}

export function createHostPeers({ door, key, apply, problem }: HostPeersOptions): HostPeers {
  const privateKey = createPrivateKey(key.key);
  let held: Pick<PeerReport, 'certificateEnds' | 'trusted'> = {};
  let told: PeerCredentials | undefined;
  const applied = (credentials: PeerCredentials): string => {
    apply(credentials);
    told = credentials;
    const trusted = trustedDigest(credentials);
    held = { ...held, trusted };
    return trusted;
  };
  return {
    report: () =>
      problem() === undefined ? { ...door, certificateRequest: key.request, ...held } : undefined,
    problem,
    take(credentials) {
      const certificate = new X509Certificate(credentials.certificate);
      if (!certificate.checkPrivateKey(privateKey)) return;
      held = { certificateEnds: endOf(certificate).toISOString() };
      applied(credentials);
    },
    change({ from, to, added, removed }) {
      if (told === undefined || held.trusted !== from) return held.trusted;
      const gone = new Set(removed);
      const hostIds = [...told.hostIds.filter((id) => !gone.has(id)), ...added];
      const changed = { ...told, hostIds };
      if (trustedDigest(changed) === to) return applied(changed);
      // The list that the change was made from is another one: only the whole list can be right.
      const { certificateEnds } = held;
      held = certificateEnds === undefined ? {} : { certificateEnds };
      return undefined;
    },
  };
}
