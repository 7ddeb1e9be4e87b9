/** What the answers about certificates hold, as far as the page shows it. */

export interface Certificate {
  readonly id: string;
  readonly alias: string;
  readonly zoneid: string;
  readonly zonename: string;
  /** Of a chain or bundle, the first. */
  readonly subject: string;
  readonly issuer: string;
  readonly serialnum: string;
  /** `From: [Jan 1 00:00:00 2026 GMT] - To: […]` */
  readonly validity: string;
  readonly certificates: number;
  readonly clientcertificate?: string;
  readonly revoked: boolean;
  readonly expires: string;
  readonly daysleft: number;
  readonly created: string;
  readonly hostsmap?: readonly HostStatus[];
}

export interface HostStatus {
  readonly hostid: string;
  readonly hostname: string;
  readonly status: 'UPLOADED' | 'REVOKED' | 'FAILED' | 'SKIPPED';
  readonly details?: string;
}
