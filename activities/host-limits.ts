/** How much this host downloads at a time and in a second: by its own settings, and by what is set from outside. */
import type { Scheduler } from '../images/scheduler.ts';
import type { HostLimits, LimitsReport } from '../model/payloads.ts';

export interface HostLimiter {
  /** At once, also for downloads that run. What is older than what holds already changes nothing. */
  apply(limits: HostLimits): void;
  /** What is in force. */
  report(): LimitsReport;
}

export interface LimiterOptions {
  /** Of the host itself. */
  readonly own: { readonly downloads: number; readonly rate: number };
  readonly scheduler: Pick<Scheduler, 'setLimit'>;
  /** Bytes per second over all downloads; 0 for no limit. */
  readonly setRate: (bytesPerSecond: number) => void;
}

/** The two ways here, the answer to a join and a job of the quick queue, may overtake each other. */
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
