/** Logs: JSON lines on stderr, or lines for people when that is a terminal. */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

const CLOCK_END = 19;
const LABELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info ',
  40: 'WARN ',
  50: 'ERROR',
  60: 'FATAL',
};
/** Fields that a person at a terminal does not need. */
const QUIET = new Set(['level', 'time', 'process', 'pid', 'hostname', 'msg', 'err', 'sdkComponent']);

/** @param level trace, debug, info, warn, error or silent */
export function createLogger(level: string, processName: string): Logger {
  const options = {
    level,
    base: { process: processName, pid: process.pid },
    // A stray header or key never reaches a log, whoever logs it.
    redact: { paths: ['*.headers', '*.sealed', '*.apiKey', '*.secretKey', '*.password'], censor: '[hidden]' },
  };
  // Written at once: the last lines before an end are the ones that matter.
  const stderr = pino.destination({ dest: 2, sync: true });
  return pino(options, process.stderr.isTTY ? readable(stderr) : stderr);
}

const readable = (out: DestinationStream): DestinationStream => ({
  write: (line) => out.write(`${formatLine(line)}\n`),
});

interface Entry extends Readonly<Record<string, unknown>> {
  readonly level: number;
  readonly time: number;
  readonly process: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
}

/** One JSON line as a person reads it: time, level, process, message, then what else is known. */
export function formatLine(line: string): string {
  const entry = JSON.parse(line) as Entry;
  const time = new Date(entry.time).toISOString().slice(11, CLOCK_END);
  const rest = Object.entries(entry)
    .filter(([name]) => !QUIET.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const failure = entry.err?.message === undefined ? [] : [`error=${entry.err.message}`];
  const words = [time, LABELS[entry.level] ?? String(entry.level), `${entry.process}:`, entry.msg ?? ''];
  return [...words, ...rest, ...failure].join(' ');
}
