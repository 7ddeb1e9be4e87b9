/** Which plug-in serves which URL. A new protocol is one file beside this one, and one line below. */
import { ImageError } from '../../model/failures.ts';
import { displayUrl } from '../../model/url.ts';
import type { SourceRules } from '../../model/source-rules.ts';
import type { SecretWay, Secrets } from '../../model/source.ts';
import type { UrlPolicy } from '../../model/url-policy.ts';
import { createGuard } from './guard.ts';
import type { Guard } from './guard.ts';
import { createHttpSource } from './http.ts';
import type { HttpOptions } from './http-options.ts';
import { createNfsSource } from './nfs.ts';
import type { NfsOptions } from './nfs.ts';
import type { Source } from './source.ts';

/** Without a way, jobs bring neither a proxy nor an authority to what is secret. */
const STRICT: SecretWay = { proxyIsGuard: false, trusted: [] };

function onWay(job: UrlPolicy | undefined, { way = STRICT }: Secrets): UrlPolicy {
  const { proxies: _, ...policy } = job ?? {};
  const { proxies, proxyIsGuard } = way;
  return { ...policy, proxyIsGuard, ...(proxies === undefined ? {} : { proxies }) };
}

const trusting = ({ trust }: SourceOptions, { way = STRICT }: Secrets): SourceOptions =>
  trust === undefined ? {} : { trust: () => trust(way.trusted) };

export interface Sources {
  /** @throws ImageError Unsupported when no plug-in knows the scheme. */
  for(url: string): Source;
  /**
   * The same for one job, with what it brings of its zone.
   * @param secrets of the job: then the way is that which is sealed with them
   */
  under(job: SourceRules, secrets?: Secrets): Sources;
}

export type SourceOptions = HttpOptions & NfsOptions;

export const createSources = (options: SourceOptions = {}): Sources =>
  sourcesBehind(options.guard ?? createGuard(options), options);

function sourcesBehind(guard: Guard, options: SourceOptions): Sources {
  const http = createHttpSource({ ...options, guard });
  const byScheme: ReadonlyMap<string, Source> = new Map([
    ['http:', http],
    ['https:', http],
    ['nfs:', createNfsSource({ ...options, guard })],
  ]);
  return {
    under: ({ policy, timeouts }, secrets) =>
      secrets === undefined
        ? sourcesBehind(guard.under(policy), { ...options, ...timeouts })
        : sourcesBehind(guard.under(onWay(policy, secrets)), {
            ...options,
            ...timeouts,
            ...trusting(options, secrets),
          }),
    for(url) {
      const scheme = URL.canParse(url) ? new URL(url).protocol : '';
      const source = byScheme.get(scheme);
      if (source !== undefined) return source;
      throw new ImageError('Unsupported', `no source knows the scheme '${scheme.slice(0, -1)}'`, {
        url: displayUrl(url),
      });
    },
  };
}
