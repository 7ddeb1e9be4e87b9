/** Messages of a joining host; the rules of payloads.ts hold for them. */
import { canonicalJson } from './answer.ts';
import type { HostLimits, HostReport } from './payloads.ts';

export interface JoinRequest {
  readonly v: 1;
  /** ISO time of the signature, by the host's clock: an old request is refused, and each counts once. */
  readonly at: string;
  readonly hostId: string;
  readonly name: string;
  readonly address: string;
  /** Names or ids; both must exist. */
  readonly zone: string;
  readonly cluster: string;
  /** A UUID of this start of the host worker: attempts of earlier starts have ended. */
  readonly incarnation?: string;
  /** Ed25519, raw, base64url. */
  readonly signingKey: string;
  /** X25519, raw, base64url. */
  readonly sealingKey: string;
  readonly invite?: {
    readonly id: string;
    /** HMAC-SHA-256 under the token's secret over the text that `joinText` makes: the token itself never travels. */
    readonly proof: string;
  };
  readonly report: HostReport;
  /** Ed25519 over the same text: the host holds the key it names. */
  readonly signature: string;
}

export interface JoinAnswer {
  readonly v: 1;
  readonly state: 'Enabled' | 'Disabled' | 'Maintenance';
  readonly zoneId: string;
  readonly clusterId: string;
  /** The keystore is not up to date: the host gets no probe and no download before it is. */
  readonly unsettled?: boolean;
  /** A sentence for the operator. */
  readonly message: string;
  /** The limits that are set for the host. */
  readonly limits?: HostLimits;
}

/** The text that a joining host signs and authenticates: the whole request with its time. */
export function joinText(request: Omit<JoinRequest, 'signature' | 'invite'>): string {
  const { signature: _signature, invite: _invite, ...signed } = request as Partial<JoinRequest>;
  return canonicalJson(['bypass join 2', signed]);
}
