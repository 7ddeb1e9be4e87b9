/** A probe tells each verdict as it comes, for a person who waits; what counts is its signed answer. */
import type { ProbeProgress, ProbeVerdict } from '../model/progress.ts';
import type { UrlReport } from '../model/source.ts';
import { beating } from './context.ts';

export function tellingVerdicts<T>(
  hostId: string,
  work: (signal: AbortSignal, onVerdict: (report: UrlReport) => void) => Promise<T>,
): Promise<T> {
  const none: ProbeProgress = { v: 1, hostId, verdicts: [] };
  return beating(none, (beat) => {
    const verdicts: ProbeVerdict[] = [];
    return work(beat.signal, ({ url, reachable, reason, size }) => {
      verdicts.push({ url, reachable, size, ...(reason === undefined ? {} : { reason }) });
      beat.tell({ ...none, verdicts: [...verdicts] }, true);
    });
  });
}
