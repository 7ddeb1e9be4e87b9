/**
 * Watches the domains of libvirt, so that the installation shows machines as they are. libvirt's events are a
 * hint that something has changed, and once a minute all domains are compared without a hint: each time libvirt lists all domains. So an event that
 * is lost is made up for within a minute, and a burst of events is one request. That a domain begins to run is no news while
 * the host itself starts it: the job says so in its answer.
 *
 * `virsh event` ends when libvirtd does. It is started again with growing pauses; once it runs again, that
 * counts as a change.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageError } from '../model/failures.ts';
import type { Virsh } from './virsh.ts';

export interface WatchOptions {
  readonly virsh: Virsh;
  readonly signal: AbortSignal;
  /** Something may have changed. Called again only after it has settled; its failure is for `onProblem`. */
  readonly onChange: () => Promise<void>;
  /** Whether a job of this host starts the domain of this name now. Default: none does. */
  readonly isStarting?: (domain: string) => boolean;
  /** Events do not arrive, or `onChange` failed. */
  readonly onProblem: (error: unknown) => void;
  /**
   * Milliseconds between two calls at least. Default 1000. After a call that took long, as it does on a busy host, the pause is
   * five times as long as the call, and at most ten seconds.
   */
  readonly gatherMs?: number;
  /** Milliseconds after which there is a call without an event. Default 60 000. */
  readonly comparisonMs?: number;
  /** Milliseconds of the first pause before `virsh event` is started again; each is twice the one before. Default 1000. */
  readonly retryMs?: number;
}

const GATHER_MS = 1000;
/** The pause after a call, as a multiple of the call, so that a busy host spends little time on listing domains. */
const PAUSE_PER_CALL = 5;
/** Changes are to be seen within 15 seconds. */
const LONGEST_PAUSE_MS = 10_000;
const COMPARISON_MS = 60_000;
const RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;
/** `virsh event` that has not ended after this time is connected. */
const STEADY_MS = 1000;

/** Events of other kinds, such as a changed clock, come often and change no state. */
const RELEVANT = /event '(?:lifecycle|reboot|io-error|io-error-reason|agent-lifecycle|tray-change)'/;

const BEGINS_TO_RUN = /event 'lifecycle' for domain '([^']*)': (?:Defined|Started|Resumed)\b/;

/** Resolves after the signal was aborted. */
export async function watchDomains(options: WatchOptions): Promise<void> {
  const change = createChange();
  await Promise.all([followEvents(options, change), reportChanges(options, change)]);
}

/** A change that was not reported yet. */
interface Change {
  /** Whether libvirt has answered. Until then, nothing is reported each minute. */
  isPossible: boolean;
  note(): void;
  /** Resolves when there is one, after `ms` at the latest, or when the signal is aborted. @returns whether there is one */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

function createChange(): Change {
  let noted = false;
  let wake = new AbortController();
  return {
    isPossible: false,
    note() {
      noted = true;
      wake.abort();
    },
    async wait(ms, signal) {
      if (!noted) await pause(ms, AbortSignal.any([signal, wake.signal]));
      const was = noted;
      noted = false;
      wake = new AbortController();
      return was;
    },
  };
}

/** Ends early, and without an error, when aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

async function followEvents(options: WatchOptions, change: Change): Promise<void> {
  const { virsh, signal, onProblem, isStarting, retryMs = RETRY_MS } = options;
  const isNews = (line: string): boolean => {
    const domain = BEGINS_TO_RUN.exec(line)?.[1];
    return RELEVANT.test(line) && (domain === undefined || isStarting?.(domain) !== true);
  };
  const onLine = (line: string): void => {
    if (isNews(line)) change.note();
  };
  let waitMs = retryMs;
  while (!signal.aborted) {
    const ended = virsh.follow(['event', '--all', '--loop', '--timestamp'], onLine, { signal }).then(
      () => true,
      (error: unknown) => {
        if (error instanceof ImageError && error.kind === 'HypervisorMissing') change.isPossible = false;
        onProblem(error);
        return true;
      },
    );
    if (!(await Promise.race([ended, pause(STEADY_MS, signal)]))) {
      waitMs = retryMs;
      change.isPossible = true;
      change.note();
      await ended;
    }
    await pause(waitMs, signal);
    waitMs = Math.min(2 * waitMs, LAST_RETRY_MS);
  }
}

async function reportChanges(options: WatchOptions, change: Change): Promise<void> {
  const { signal, onChange, onProblem, gatherMs = GATHER_MS, comparisonMs = COMPARISON_MS } = options;
  while (!signal.aborted) {
    const isNoted = await change.wait(comparisonMs, signal);
    if (signal.aborted) return;
    if (!isNoted && !change.isPossible) continue;
    const begun = performance.now();
    await onChange().catch(onProblem);
    const took = performance.now() - begun;
    await pause(Math.max(gatherMs, Math.min(PAUSE_PER_CALL * took, LONGEST_PAUSE_MS)), signal);
  }
}
