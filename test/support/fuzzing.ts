/**
 * Runs random inputs, seed by seed, within limits of time and memory. A failure names its seed; BYPASS_FUZZ_SEED sets
 * the first one.
 */
import { collectGarbage } from './garbage.ts';
import { isFullRun } from './programs.ts';

export const FIRST_SEED = Number(process.env['BYPASS_FUZZ_SEED'] ?? 1);
const MIB = 1_048_576;
/** Microseconds of processor time for one input. */
const MAX_CPU_TIME = 1_000_000;
const MAX_MEMORY = 64 * MIB;

const inUse = (): number => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;

export interface FuzzOptions {
  readonly rounds: { readonly short: number; readonly full: number };
  /** Seeds between two measurements of memory. Default 50. */
  readonly measureEvery?: number;
}

export const fuzzTimeout = isFullRun ? 3_600_000 : 120_000;

/** @throws Error that names the seed for which `once` throws or exceeds a limit */
export async function fuzz<T>(
  { rounds, measureEvery = 50 }: FuzzOptions,
  make: (seed: number) => T,
  once: (input: T, seed: number) => unknown,
): Promise<void> {
  collectGarbage();
  const before = inUse();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + (isFullRun ? rounds.full : rounds.short); seed += 1) {
    const input = make(seed);
    const start = process.cpuUsage();
    try {
      await once(input, seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    const { user, system } = process.cpuUsage(start);
    if (user + system > MAX_CPU_TIME) throw new Error(`seed ${seed} takes ${user + system} µs`);
    if (seed % measureEvery !== 0) continue;
    const taken = inUse() - before;
    if (taken > MAX_MEMORY) throw new Error(`up to seed ${seed} ${taken} bytes of memory are taken`);
    collectGarbage();
  }
}
