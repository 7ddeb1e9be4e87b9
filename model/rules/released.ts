/**
 * The rules of all releases. The input of a new run names the current version, and the run keeps to it on every later
 * release; so a version stays here as long as a run may name it.
 *
 * To change a rule or a time: add a file `version-N.ts`, made from the version before, and a line here. The timing of new
 * runs may also change alone, in `CURRENT_TIMING`, since each input carries its timing.
 */
import type { RunParameters, Timings } from '../timing.ts';
import type { Rules } from './rules.ts';
import { VERSION_1 } from './version-1.ts';

export const RELEASED: readonly Rules[] = [VERSION_1];

const CURRENT = VERSION_1;

/** The timing of new runs. */
export const CURRENT_TIMING: Timings = {
  ...CURRENT.timing,
  copy: { ...CURRENT.timing.copy, roomyReportFreshMs: 300_000 },
};

/** For the input of a new run. @param instead times that replace the current ones */
export const newRunParameters = <K extends keyof Timings>(
  kind: K,
  instead: Partial<Timings[K]> = {},
): Required<RunParameters<Timings[K]>> => ({
  rules: CURRENT.version,
  timing: { ...CURRENT_TIMING[kind], ...instead },
});

/**
 * @throws Error for rules of a newer release. It does not fail a run: Temporal repeats the workflow task until a control
 * worker of that release takes it.
 */
export function rulesOf(version = 1): Rules {
  const rules = RELEASED.find((one) => one.version === version);
  if (rules !== undefined) return rules;
  throw new Error(`rules of version ${version} are those of a newer release: it goes on with this run`);
}
