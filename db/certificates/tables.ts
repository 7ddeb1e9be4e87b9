/** Row types of certificates that hosts trust for downloads. */
import type { ColumnType, Generated } from 'kysely';
import type { Id, Time } from '../columns.ts';

export interface DirectDownloadCertificateTable {
  id: Id;
  uuid: Generated<string>;
  alias: string;
  /** PEM: one certificate, a chain or a bundle. */
  certificate: string;
  /** PEM: the certificate that hosts present to servers that demand one, with its chain. */
  client_certificate: string | null;
  /** Private key of the client certificate, sealed with the master key. */
  client_key_sealed: string | null;
  /** Identifies the keystore entry of this certificate (`entryDigest`). */
  digest: string;
  /** When the first certificate of the upload expires. */
  expires: ColumnType<Date, Date | string, never>;
  hypervisor_type: Generated<string>;
  zone_id: number;
  /** Hosts must not have the certificate, except those whose row in the host map says otherwise. */
  revoked: Generated<boolean>;
  created: Time;
}

export interface DirectDownloadCertificateHostMapTable {
  id: Id;
  certificate_id: number;
  host_id: number;
  /** Whether the certificate is absent from the host's keystore, as the host read it back; null until it has. */
  revoked: boolean | null;
  /** Whether this host must have the certificate; null: as `revoked` of the certificate says. */
  wanted: boolean | null;
  /** Why the host's keystore differs from what it must hold. */
  error_str: string | null;
  last_updated: Time;
}
