/** Finds the source of a URL by its scheme, and has every connection judged by one egress policy. */
import { ImageError } from '../../model/failures.ts';
import { protocolOf, schemeOf } from '../../model/protocols.ts';
import { displayUrl } from '../../model/url.ts';
import type { SourceRules } from '../../model/source-rules.ts';
import type { SecretWay, Secrets } from '../../model/source.ts';
import type { UrlPolicy } from '../../model/url-policy.ts';
import { createEgressPolicy } from './network/egress-policy.ts';
import type { EgressOptions, EgressPolicy } from './network/egress-policy.ts';
import { PROTOCOLS } from './protocols/registry.ts';
import type { Protocol, Source, SourceSettings } from './protocol.ts';

/** Secrets that were sealed without a way go through no proxy of the job, and trust no upload. */
const STRICT: SecretWay = { proxyIsGuard: false, trusted: [] };

/** The job's policy, with the proxies that are sealed with the secrets instead of the job's. */
function policyWith(job: UrlPolicy | undefined, { way = STRICT }: Secrets): UrlPolicy {
  const { proxies: _, ...policy } = job ?? {};
  const { proxies, proxyIsGuard } = way;
  return { ...policy, proxyIsGuard, ...(proxies === undefined ? {} : { proxies }) };
}

const trustFor = ({ trust }: SourceOptions, { way = STRICT }: Secrets): SourceOptions =>
  trust === undefined ? {} : { trust: () => trust(way.trusted) };

export interface Sources {
  /** Those that files are fetched by. */
  readonly protocols: readonly Protocol[];
  /** @throws ImageError Unsupported when no protocol has the scheme */
  for(url: string): Source;
  /**
   * The same sources under the rules of one job.
   * @param secrets of the job: the proxies and authorities sealed with them replace those of the job
   */
  under(job: SourceRules, secrets?: Secrets): Sources;
}

export interface SourceOptions extends EgressOptions, Omit<SourceSettings, 'egress'> {
  /** Default: PROTOCOLS. */
  readonly protocols?: readonly Protocol[];
}

export function createSources({ protocols = PROTOCOLS, ...options }: SourceOptions = {}): Sources {
  return sourcesBehind(createEgressPolicy(options, protocols), protocols, options);
}

function sourcesBehind(
  egress: EgressPolicy,
  protocols: readonly Protocol[],
  options: SourceOptions,
): Sources {
  const sources = new Map(protocols.map((one) => [one, one.create({ ...options, egress })]));
  return {
    protocols,
    under: ({ policy, timeouts }, secrets) =>
      secrets === undefined
        ? sourcesBehind(egress.under(policy), protocols, { ...options, ...timeouts })
        : sourcesBehind(egress.under(policyWith(policy, secrets)), protocols, {
            ...options,
            ...timeouts,
            ...trustFor(options, secrets),
          }),
    for(url) {
      const scheme = URL.canParse(url) ? schemeOf(new URL(url)) : '';
      const protocol = protocolOf(protocols, scheme);
      const source = protocol && sources.get(protocol);
      if (source !== undefined) return source;
      throw new ImageError('Unsupported', `no source knows the scheme '${scheme}'`, {
        url: displayUrl(url),
      });
    },
  };
}
