/**
 * Heartbeats of a probe carry each verdict as soon as there is one, for a person who waits. They are not signed, and
 * decide nothing: the result of the probe is signed and does.
 */
import { PROBE_HEARTBEAT_MS } from '../../model/progress.ts';
import type { ProbeProgress, ProbeVerdict } from '../../model/progress.ts';
import type { UrlReport } from '../../model/source.ts';
import { withHeartbeats } from '../context.ts';

export function withVerdictHeartbeats<T>(
  hostId: string,
  probe: (signal: AbortSignal, onVerdict: (report: UrlReport) => void) => Promise<T>,
): Promise<T> {
  const none: ProbeProgress = { v: 1, hostId, verdicts: [] };
  return withHeartbeats(
    none,
    (heartbeat) => {
      const verdicts: ProbeVerdict[] = [];
      return probe(heartbeat.signal, ({ url, reachable, reason, size }) => {
        verdicts.push({ url, reachable, size, ...(reason === undefined ? {} : { reason }) });
        heartbeat.report({ ...none, verdicts: [...verdicts] }, true);
      });
    },
    { everyMs: () => PROBE_HEARTBEAT_MS },
  );
}
