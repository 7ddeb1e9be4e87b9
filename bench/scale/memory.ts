/** The resident memory of processes, over time. */
import { readFile, readdir } from 'node:fs/promises';
import { median } from '../statistics.ts';

/** Bytes of each process, by its name. */
export type MemorySample = ReadonlyMap<string, number>;

export interface MemoryOverTime {
  readonly name: string;
  /** Bytes: the medians of the four quarters of the run. */
  readonly quarters: readonly number[];
  /** The last quarter by the first. */
  readonly growth: number;
}

/** @param samples in the order of their times; at least one */
export const memoryOverTime = (samples: readonly MemorySample[]): readonly MemoryOverTime[] =>
  [...(samples[0]?.keys() ?? [])].map((name) => {
    const values = samples.map((sample) => sample.get(name) ?? 0);
    const quarters = [0, 1, 2, 3].map((n) => median(quarterOf(values, n)));
    return { name, quarters, growth: (quarters[3] ?? 0) / (quarters[0] ?? 1) };
  });

/** Of fewer than four values, quarters share some. */
const quarterOf = (values: readonly number[], n: number): readonly number[] =>
  values.slice(Math.floor((n * values.length) / 4), Math.ceil(((n + 1) * values.length) / 4));

/** @param postgres its name; its processes share one memory, which counts once */
export async function sampleMemory(
  processes: ReadonlyMap<string, number>,
  postgres: { readonly name: string; readonly pid: number },
): Promise<MemorySample> {
  const sample = new Map<string, number>();
  for (const [name, pid] of processes) sample.set(name, await bytesOf(pid, 'VmRSS'));
  sample.set(postgres.name, await memoryOfPostgres(postgres.pid));
  return sample;
}

async function memoryOfPostgres(pid: number): Promise<number> {
  const pids = [pid, ...(await childrenOf(pid))];
  const own = await Promise.all(pids.map((one) => bytesOf(one, 'RssAnon')));
  const shared = await Promise.all(pids.map((one) => bytesOf(one, 'RssShmem')));
  return own.reduce((sum, bytes) => sum + bytes, 0) + Math.max(...shared);
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return texts.flatMap((text) => text.split(' ').filter((one) => one !== '')).map(Number);
}

/** 0 when the process is gone: backends of PostgreSQL come and go. */
async function bytesOf(pid: number, field: 'VmRSS' | 'RssAnon' | 'RssShmem'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}
