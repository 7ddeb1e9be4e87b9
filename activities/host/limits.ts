/** How many downloads this host runs at once, and at which rate: by its own settings, or by the limits set for it. */
import type { Scheduler } from '../../images/attempt/scheduler.ts';
import type { HostLimits, LimitsReport } from '../../model/payloads.ts';

export interface HostLimiter {
  /** Applies limits at once, also to running downloads. A revision that is not newer than the current one changes nothing. */
  apply(limits: HostLimits): void;
  /** The limits in force. */
  report(): LimitsReport;
}

export interface LimiterOptions {
  /** The host's own settings: downloads at once, and bytes per second (0 for no limit). */
  readonly own: { readonly downloads: number; readonly rate: number };
  readonly scheduler: Pick<Scheduler, 'setLimit'>;
  /** Bytes per second over all downloads; 0 for no limit. */
  readonly setRate: (bytesPerSecond: number) => void;
}

/** Limits arrive in two ways, with the answer to a join and as a job, which may overtake each other: so revisions count. */
export function createHostLimiter({ own, scheduler, setRate }: LimiterOptions): HostLimiter {
  let current: LimitsReport = { ...own, revision: 0 };
  return {
    apply({ revision, downloads = own.downloads, rate = own.rate }) {
      if (revision <= current.revision) return;
      current = { revision, downloads, rate };
      scheduler.setLimit(downloads);
      setRate(rate);
    },
    report: () => current,
  };
}
