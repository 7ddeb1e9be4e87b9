/** What a fault run finds to be violated, by invariant; and a journal of the run. */
import { appendFileSync } from 'node:fs';

/** What must hold, as the titles of the tests say it. */
export const INVARIANTS = [
  'deployments',
  'files',
  'writers',
  'rows',
  'jobs',
  'machines',
  'processes',
  'leftovers',
  'origin',
  'agreement',
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Findings {
  /** Notes a violation; the same one counts once. */
  violated(invariant: Invariant, what: string): void;
  of(invariant: Invariant): readonly string[];
  any(): boolean;
  /** A line of the journal. */
  log(line: string): void;
}

/** @param journal file to which the journal is written */
export function createFindings(journal: string): Findings {
  const found = new Map<Invariant, Set<string>>(INVARIANTS.map((name) => [name, new Set()]));
  const start = performance.now();
  const log = (line: string): void =>
    appendFileSync(
      journal,
      `${new Date().toISOString()} +${((performance.now() - start) / 1000).toFixed(1)} ${line}\n`,
    );
  return {
    violated(invariant, what) {
      const known = found.get(invariant);
      if (known === undefined || known.has(what)) return;
      known.add(what);
      log(`VIOLATED ${invariant}: ${what}`);
    },
    of: (invariant) => [...(found.get(invariant) ?? [])],
    any: () => [...found.values()].some((one) => one.size > 0),
    log,
  };
}
