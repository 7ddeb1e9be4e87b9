/** The uploads that run: each belongs to a host and a copy, which may use several connections for it. */
import { Refused } from './refusal.ts';

interface Upload {
  readonly hostId: string;
  readonly stops: Set<AbortController>;
}

/** Connections by which one host fetches one copy. */
const MAX_CONNECTIONS = 4;

export interface Uploads {
  readonly count: number;
  /**
   * @returns a signal that is aborted when the host may not have it any more; call `end` in any case
   * @throws Refused when all uploads are taken
   */
  begin(hostId: string, copyId: string): { readonly signal: AbortSignal; end(): void };
  /** Stops the uploads of hosts that are not named. */
  keepOnly(hostIds: ReadonlySet<string>): void;
}

/** @param most uploads at a time */
export function createUploads(most: number): Uploads {
  const uploads = new Map<string, Upload>();
  return {
    get count() {
      return uploads.size;
    },
    begin(hostId, copyId) {
      const key = `${hostId} ${copyId}`;
      const upload = uploads.get(key) ?? { hostId, stops: new Set() };
      if ((!uploads.has(key) && uploads.size >= most) || upload.stops.size >= MAX_CONNECTIONS) {
        const refusal = { status: 503, reason: 'uploads' } as const;
        throw new Refused(refusal, 'all uploads of this host are taken', { 'retry-after': '2' });
      }
      const stop = new AbortController();
      uploads.set(key, upload);
      upload.stops.add(stop);
      return {
        signal: stop.signal,
        end() {
          upload.stops.delete(stop);
          if (upload.stops.size === 0 && uploads.get(key) === upload) uploads.delete(key);
        },
      };
    },
    keepOnly(hostIds) {
      for (const { hostId, stops } of uploads.values()) {
        if (!hostIds.has(hostId))
          for (const stop of stops) stop.abort(new Error('the host may not ask any more'));
      }
    },
  };
}
