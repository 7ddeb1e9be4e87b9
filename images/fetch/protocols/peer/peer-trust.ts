/** TLS with a door: both sides show certificates of the installation's authority, and the door's must name its host. */
import { createSecureContext } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { ImageError } from '../../../../model/failures.ts';
import { hostIdOfNames } from '../../../../model/spread.ts';
import type { PeerCredentials } from '../../../../model/spread.ts';
import type { Trust } from '../../network/trust.ts';

/** What this host shows to a door, and whom it trusts there. PEM. */
export interface PeerIdentity extends Pick<PeerCredentials, 'certificate' | 'authorities'> {
  /** Private key of the certificate. */
  readonly key: string;
}

/** @param identity undefined while the host has no certificate */
export const trustDoorOf =
  (hostId: string, identity: () => PeerIdentity | undefined): Trust =>
  async () => {
    const own = identity();
    if (own === undefined) {
      throw new ImageError('TlsFailed', 'is not asked: this host has no certificate for other hosts yet');
    }
    const { certificate, key, authorities } = own;
    const context = createSecureContext({
      ca: [...authorities],
      cert: certificate,
      key,
      minVersion: 'TLSv1.3',
    });
    return { context, identities: [], identify: (_address, given) => stranger(hostId, given) };
  };

/** The address only says where the host is; who it is, its certificate says. */
const stranger = (hostId: string, { subjectaltname }: PeerCertificate): Error | undefined =>
  hostIdOfNames(subjectaltname) === hostId
    ? undefined
    : new ImageError('TlsFailed', 'has a certificate of another host');
