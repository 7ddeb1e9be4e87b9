/** Random inputs, seed after seed, within bounds of time and memory. A failure names its seed; BYPASS_FUZZ_SEED starts there. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isFullRun } from './programs.ts';

export const FIRST_SEED = Number(process.env['BYPASS_FUZZ_SEED'] ?? 1);
const MIB = 1_048_576;
/** Microseconds of processor time that one input may take. */
const MOST_TIME = 1_000_000;
const MOST_MEMORY = 64 * MIB;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const inUse = (): number => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;

export interface FuzzOptions {
  readonly rounds: { readonly short: number; readonly full: number };
  /** Seeds between looks at the memory. Default 50. */
  readonly lookEvery?: number;
}

export const fuzzTimeout = isFullRun ? 3_600_000 : 120_000;

/** @throws Error naming the seed for which `once` throws, or takes too much */
export async function fuzz<T>(
  { rounds, lookEvery = 50 }: FuzzOptions,
  make: (seed: number) => T,
  once: (input: T, seed: number) => unknown,
): Promise<void> {
  collect();
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
    if (user + system > MOST_TIME) throw new Error(`seed ${seed} takes ${user + system} µs`);
    if (seed % lookEvery !== 0) continue;
    const taken = inUse() - before;
    if (taken > MOST_MEMORY) throw new Error(`up to seed ${seed} ${taken} bytes of memory are taken`);
    collect();
  }
}
