/** Describes a deployment in words and numbers, from the fields that the api answers. */
import type { Deployment } from '../model/api-answers.ts';
import { fromWhom } from '../model/spread.ts';
import { formatBytes, formatDuration, formatRate, formatTime, parseTime } from './format.ts';
import type { Tone } from './text.ts';

/** The known fields of a deployment: the result of a job has fewer than a list. */
export type KnownDeployment = Pick<Deployment, 'id' | 'templatename' | 'storagename' | 'state'> &
  Partial<Deployment>;

export type Stage = 'running' | 'waiting' | 'ready' | 'failed' | 'cancelled' | 'removing';

/** One deployment as progress shows it. */
export interface Progress {
  readonly id: string;
  /** What it is the progress of: the pool of a deployment, or a virtual machine. */
  readonly name: string;
  readonly stage: Stage;
  /** `downloading`, or why it waits, or why it failed. */
  readonly text: string;
  readonly bytes: number;
  readonly total: number;
  readonly percent: number;
  /** Bytes per second. */
  readonly rate: number;
  /** Undefined while the rate or the size is unknown. */
  readonly secondsLeft: number | undefined;
  readonly host: string;
  readonly source: string;
  /** `next try 14:03:05` while the deployment waits until then; else empty. */
  readonly next: string;
}

export function stageOf(d: KnownDeployment): Stage {
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

export function progressOf(d: KnownDeployment): Progress {
  const stage = stageOf(d);
  const [bytes, total, rate] = [d.bytes ?? 0, d.total ?? 0, d.rate ?? 0];
  const percent = d.percent ?? (total > 0 ? Math.floor((100 * bytes) / total) : 0);
  return {
    id: d.id,
    name: d.storagename,
    stage,
    text: describeStage(d, stage),
    bytes,
    total,
    percent: stage === 'ready' ? 100 : percent,
    rate,
    secondsLeft: rate > 0 && total > bytes ? (total - bytes) / rate : undefined,
    host: d.hostname ?? '',
    source: d.source ?? '',
    next: stage === 'waiting' ? nextTry(d) : '',
  };
}

const describeStage = (d: KnownDeployment, stage: Stage): string => WORDS[stage](d);

const WORDS: Readonly<Record<Stage, (d: KnownDeployment) => string>> = {
  ready: () => 'ready',
  removing: () => 'being removed',
  cancelled: describeCancelled,
  failed: (d) => (d.error ? sourceSentence(d.error) : 'failed'),
  running: (d) => d.phase ?? 'starting',
  waiting: describeWait,
};

function describeWait(d: KnownDeployment): string {
  if (d.waitreason) return sourceSentence(d.waitreason, nextTry(d));
  if (d.phase !== 'waiting') return 'starting';
  if (d.ahead === undefined) return 'waiting';
  return d.ahead === 0 ? 'waiting, next in line' : `waiting, ${d.ahead} before it`;
}

/** `next try 14:03:05`; empty while the time is unknown. */
export function nextTry({ nexttry }: Pick<Partial<Deployment>, 'nexttry'>): string {
  const time = formatTime(nexttry).slice(11);
  return time === '' ? '' : `next try ${time}`;
}

/** Names who cancelled it, the bytes from which a retry resumes, and how to free them. */
function describeCancelled(d: KnownDeployment): string {
  const kept = d.bytes ?? 0;
  const bytes =
    kept > 0 ? `; ${formatBytes(kept)} are kept for a retry (bypass deploy remove frees them)` : '';
  return `cancelled by ${d.cancelledby}${bytes}`;
}

/**
 * Sentences of the api begin with the URL. Lines may be cut at their end, so the URL moves there: what happened, and when
 * the next try comes, matter more.
 * @param next follows the sentence, such as `next try 14:03:05`
 */
export function sourceSentence(sentence: string, next = ''): string {
  const suffix = next === '' ? '' : `; ${next}`;
  const [, address, rest] = /^([a-z][a-z0-9+.-]*:\/\/\S+) (\S.*)$/s.exec(sentence) ?? [];
  return address === undefined || rest === undefined
    ? `${sentence}${suffix}`
    : `the source ${rest}${suffix} (${address})`;
}

/** The state in a list. The api has one state for waiting and cancelled deployments, `Allocated`; people see which. */
export const stateOf = (d: KnownDeployment): string => (stageOf(d) === 'cancelled' ? 'Cancelled' : d.state);

/** The last column of a list: the current phase, why the deployment does not progress, or that its copy is damaged. */
export function remarkOn(d: KnownDeployment): string {
  const { stage, text, rate, bytes } = progressOf(d);
  if (stage === 'ready') return d.error ?? '';
  if (stage !== 'running') return text;
  const doing = d.sourcehostname === undefined ? text : `${text} from ${fromWhom(d.depth, d.sourcehostname)}`;
  return rate > 0 && bytes > 0 ? `${doing}, ${formatRate(rate)}` : doing;
}

/**
 * The progress to show after `before`. Between two steps of one host the api reports no progress. The last known one is
 * then kept, since downloaded bytes stay on the pool.
 */
export function progressAfter(before: Progress | undefined, d: KnownDeployment): Progress {
  const next = progressOf(d);
  const isBetweenSteps = d.state === 'Creating' && d.phase === undefined && !d.waitreason;
  if (!isBetweenSteps || before?.stage !== 'running' || before.host !== next.host) return next;
  return { ...before, rate: 0, secondsLeft: undefined };
}

export interface Outcome {
  readonly ok: boolean;
  /** One line: pool, outcome, bytes, seconds, rate, host. */
  readonly line: string;
}

/**
 * How a deployment ended.
 * @param sinceMs when the deployment was requested, by the clock of the api: attempts that ended earlier do not count
 */
export function outcomeOf(d: KnownDeployment, sinceMs: number): Outcome {
  const stage = stageOf(d);
  if (stage === 'ready') return { ok: true, line: `${d.storagename}: ready, ${describeWork(d, sinceMs)}` };
  if (stage === 'failed') {
    const again = `try again with: bypass deploy retry ${d.templatename} --pool ${d.storagename}`;
    const reason = d.error ? sourceSentence(d.error) : 'no reason was recorded';
    return { ok: false, line: `${d.storagename}: failed: ${reason}; ${again}` };
  }
  return { ok: false, line: `${d.storagename}: ${describeStage(d, stage)}` };
}

function describeWork(d: KnownDeployment, sinceMs: number): string {
  const tries = (d.attempts ?? []).filter(({ ended }) => parseTime(ended) >= sinceMs);
  const size = d.size ?? d.total ?? 0;
  // The result of a finished job has the size of a copy, but no attempts.
  if (d.attempts === undefined) return formatBytes(size);
  if (tries.length === 0) return `${formatBytes(size)}, was there already`;
  const bytes = tries.reduce((sum, attempt) => sum + (attempt.bytes ?? 0), 0);
  const start = Math.min(...tries.map(({ started }) => parseTime(started)));
  const seconds = (Math.max(...tries.map(({ ended }) => parseTime(ended))) - start) / 1000;
  const rate = seconds > 0 ? ` (${formatRate(bytes / seconds)})` : '';
  const host = tries.at(-1)?.hostname ?? d.hostname;
  const by = host === undefined ? '' : ` by ${host}`;
  // The rest was there already, or is zeros, which other hosts do not send.
  const fetched = bytes < size ? `, ${formatBytes(bytes)} of it fetched` : '';
  return `${formatBytes(size)}${fetched} in ${formatDuration(seconds)}${rate}${by}`;
}
