/** What this host tells of its door, and what it is told of the hosts that may come in. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { PeerCredentials, PeerReport } from '../../model/spread.ts';
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
  return {
    report: () =>
      problem() === undefined ? { ...door, certificateRequest: key.request, ...held } : undefined,
    problem,
    take(credentials) {
      const certificate = new X509Certificate(credentials.certificate);
      if (!certificate.checkPrivateKey(privateKey)) return;
      apply(credentials);
      held = { certificateEnds: endOf(certificate).toISOString(), trusted: trustedDigest(credentials) };
    },
  };
}
