/** What the installation knows of HTTP, and the settings of its sources. */
import type { ProtocolFacts } from '../../../../model/protocols.ts';
import { BUDGETS } from '../../network/budgets.ts';
import type { Budgets } from '../../network/budgets.ts';
import { createEgressPolicy } from '../../network/egress-policy.ts';
import type { EgressOptions, EgressPolicy } from '../../network/egress-policy.ts';
import { fixedTrust } from '../../network/trust.ts';
import type { Trust } from '../../network/trust.ts';

export const HTTP_FACTS: ProtocolFacts = {
  schemes: { http: 80, https: 443 },
  servicePorts: [],
  ranges: true,
  credentials: ['headers', 'password'],
  openToUsers: true,
};

const SYSTEM_TRUST = fixedTrust();

/** Budgets that are absent are those of BUDGETS. */
export interface HttpOptions extends Partial<Budgets>, EgressOptions {
  /** Redirects followed for one request. Default 10. */
  readonly maxRedirects?: number;
  /** Replaces the policy that these options would make. */
  readonly egress?: EgressPolicy;
  /** Default: the authorities of the system. */
  readonly trust?: Trust;
}

export type HttpSettings = Required<Omit<HttpOptions, keyof EgressOptions>>;

export const httpSettings = (options: HttpOptions): HttpSettings => ({
  ...BUDGETS,
  maxRedirects: 10,
  trust: SYSTEM_TRUST,
  ...options,
  egress: options.egress ?? createEgressPolicy(options, [HTTP_FACTS]),
});
