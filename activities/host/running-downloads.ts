/** How many downloads of this host are in which phase, for Prometheus. */
import { phases } from '../../model/progress.ts';
import type { Phase } from '../../model/progress.ts';

export interface RunningDownloads {
  note(attemptId: string, phase: Phase): void;
  end(attemptId: string): void;
}

/** @param report called with the number of downloads in a phase, when a download begins, changes its phase or ends */
export function createRunningDownloads(report: (phase: Phase, count: number) => void): RunningDownloads {
  const running = new Map<string, Phase>();
  const reportAll = (): void => {
    const present = [...running.values()];
    for (const phase of phases) report(phase, present.filter((one) => one === phase).length);
  };
  return {
    note(attemptId, phase) {
      if (running.get(attemptId) === phase) return;
      running.set(attemptId, phase);
      reportAll();
    },
    end(attemptId) {
      if (running.delete(attemptId)) reportAll();
    },
  };
}
