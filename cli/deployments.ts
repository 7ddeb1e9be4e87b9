/** What a deployment is doing, in words and numbers, from what the api tells of it. */
import type { DeploymentAnswer } from './answers.ts';
import { formatBytes, formatDuration, formatRate, formatTime, parseTime } from './format.ts';
import type { Tone } from './text.ts';

export type Stage = 'running' | 'waiting' | 'ready' | 'failed' | 'cancelled' | 'removing';

/** One deployment as progress shows it. */
export interface Progress {
  readonly id: string;
  readonly pool: string;
  readonly stage: Stage;
  /** `downloading`, or why it waits, or why it failed. */
  readonly text: string;
  readonly bytes: number;
  readonly total: number;
  readonly percent: number;
  /** Bytes per second. */
  readonly rate: number;
  /** Undefined while it cannot be told. */
  readonly secondsLeft: number | undefined;
  readonly host: string;
  readonly source: string;
}

export function stageOf(d: DeploymentAnswer): Stage {
  if (d.state === 'Ready') return 'ready';
  if (d.state === 'Failed') return 'failed';
  if (d.state === 'Destroying') return 'removing';
  if (d.state === 'Allocated' && d.cancelledby) return 'cancelled';
  return d.waitreason || d.phase === 'waiting' || d.phase === undefined ? 'waiting' : 'running';
}

export const TONES: Readonly<Record<Stage, Tone>> = {
  running: 'busy',
  waiting: 'busy',
  ready: 'good',
  failed: 'bad',
  cancelled: 'faint',
  removing: 'faint',
};

export function progressOf(d: DeploymentAnswer): Progress {
  const stage = stageOf(d);
  const [bytes, total, rate] = [d.bytes ?? 0, d.total ?? 0, d.rate ?? 0];
  const percent = d.percent ?? (total > 0 ? Math.floor((100 * bytes) / total) : 0);
  return {
    id: d.id,
    pool: d.storagename,
    stage,
    text: describeStage(d, stage),
    bytes,
    total,
    percent: stage === 'ready' ? 100 : percent,
    rate,
    secondsLeft: rate > 0 && total > bytes ? (total - bytes) / rate : undefined,
    host: d.hostname ?? '',
    source: d.source ?? '',
  };
}

const describeStage = (d: DeploymentAnswer, stage: Stage): string => WORDS[stage](d);

const WORDS: Readonly<Record<Stage, (d: DeploymentAnswer) => string>> = {
  ready: () => 'ready',
  removing: () => 'being removed',
  cancelled: (d) => `cancelled by ${d.cancelledby}`,
  failed: (d) => d.error || 'failed',
  running: (d) => d.phase ?? 'starting',
  waiting: describeWait,
};

function describeWait(d: DeploymentAnswer): string {
  const next = formatTime(d.nexttry).slice(11);
  if (d.waitreason) return next === '' ? d.waitreason : `${d.waitreason}; next try ${next}`;
  if (d.phase !== 'waiting') return 'starting';
  return d.ahead === undefined ? 'waiting' : `waiting, ${d.ahead} before it`;
}

/** What the last column of a list says: where it is now, or why it is not going on. */
export function remarkOn(d: DeploymentAnswer): string {
  const { stage, text, rate, bytes } = progressOf(d);
  if (stage !== 'running') return stage === 'ready' ? '' : text;
  return rate > 0 && bytes > 0 ? `${text}, ${formatRate(rate)}` : text;
}

/**
 * What is shown next. Between two steps of one host nobody says how far it is: then it is as far as it was, since bytes
 * that are there stay there.
 */
export function progressAfter(before: Progress | undefined, d: DeploymentAnswer): Progress {
  const next = progressOf(d);
  const silent = d.state === 'Creating' && d.phase === undefined && !d.waitreason;
  if (!silent || before?.stage !== 'running' || before.host !== next.host) return next;
  return { ...before, rate: 0, secondsLeft: undefined };
}

export interface Outcome {
  readonly ok: boolean;
  /** One line: pool, what came of it, bytes, seconds, rate, host. */
  readonly line: string;
}

/**
 * How a deployment ended.
 * @param sinceMs when it was asked for, by the api's clock: attempts that ended before do not count
 */
export function outcomeOf(d: DeploymentAnswer, sinceMs: number): Outcome {
  const stage = stageOf(d);
  if (stage === 'ready') return { ok: true, line: `${d.storagename}: ready, ${describeWork(d, sinceMs)}` };
  if (stage === 'failed') {
    const again = `try again with: bypass deploy retry ${d.templatename} --pool ${d.storagename}`;
    return { ok: false, line: `${d.storagename}: failed: ${d.error || 'no reason was recorded'}; ${again}` };
  }
  return { ok: false, line: `${d.storagename}: ${describeStage(d, stage)}` };
}

function describeWork(d: DeploymentAnswer, sinceMs: number): string {
  const tries = (d.attempts ?? []).filter(({ ended }) => parseTime(ended) >= sinceMs);
  const size = d.size ?? d.total ?? 0;
  // A job that is over names what is there, without how it came there.
  if (d.attempts === undefined) return formatBytes(size);
  if (tries.length === 0) return `${formatBytes(size)}, was there already`;
  const bytes = tries.reduce((sum, attempt) => sum + (attempt.bytes ?? 0), 0);
  const start = Math.min(...tries.map(({ started }) => parseTime(started)));
  const seconds = (Math.max(...tries.map(({ ended }) => parseTime(ended))) - start) / 1000;
  const rate = seconds > 0 ? ` (${formatRate(bytes / seconds)})` : '';
  const host = tries.at(-1)?.hostname ?? d.hostname;
  const by = host === undefined ? '' : ` by ${host}`;
  const resumed = bytes < size ? ` of ${formatBytes(size)}` : '';
  return `${formatBytes(bytes)}${resumed} in ${formatDuration(seconds)}${rate}${by}`;
}
