/** Which plug-in serves which URL. A new protocol is one file beside this one, and one line below. */
import { ImageError } from '../../model/failures.ts';
import { displayUrl } from '../../model/url.ts';
import type { SourceRules } from '../../model/source-rules.ts';
import { createGuard } from './guard.ts';
import type { Guard } from './guard.ts';
import { createHttpSource } from './http.ts';
import type { HttpOptions } from './http-options.ts';
import { createNfsSource } from './nfs.ts';
import type { NfsOptions } from './nfs.ts';
import type { Source } from './source.ts';

export interface Sources {
  /** @throws ImageError Unsupported when no plug-in knows the scheme. */
  for(url: string): Source;
  /** The same for one job, with what it brings of its zone. */
  under(job: SourceRules): Sources;
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
    under: ({ policy, timeouts }) => sourcesBehind(guard.under(policy), { ...options, ...timeouts }),
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
