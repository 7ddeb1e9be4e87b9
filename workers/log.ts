/**
 * Logs: JSON lines on stderr, or lines for people when stderr is a terminal. Here, and nowhere else, each line gets the ids of
 * what it is about: a line that is written within an activity, by whatever code, names the activity and its workflow; and
 * a line that names a workflow names the template, pool, host or machine of that workflow.
 */
import { asyncLocalStorage } from '@temporalio/activity';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { subjectsOfLine } from '../model/log-subjects.ts';
import { escapeControlCharacters, showableJson } from '../model/control-characters.ts';

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

/**
 * @param level trace, debug, info, warn, error or silent
 * @param write takes the lines, as JSON; default: stderr, for people where that is a terminal
 */
export function createLogger(
  level: string,
  processName: string,
  write: (line: string) => void = toStderr(),
): Logger {
  const options = {
    level,
    base: { process: processName, pid: process.pid },
    mixin: fieldsOfActivity,
    formatters: { log: (fields: Record<string, unknown>) => ({ ...subjectsOfLine(fields), ...fields }) },
    // Fields that may hold secrets are hidden, in case a caller logs one by mistake.
    redact: { paths: ['*.headers', '*.sealed', '*.apiKey', '*.secretKey', '*.password'], censor: '[hidden]' },
  };
  return pino(options, { write });
}

function toStderr(): (line: string) => void {
  // Written synchronously: the last lines before a crash matter most.
  const stderr = pino.destination({ dest: 2, sync: true });
  const shown = process.stderr.isTTY ? (line: string) => `${formatLine(line)}\n` : showableJson;
  return (line) => void stderr.write(shown(line));
}

/** Of the activity that runs now; none outside of activities. */
function fieldsOfActivity(): object {
  const context = asyncLocalStorage.getStore();
  if (context === undefined) return {};
  const { activityType, taskQueue, workflowExecution } = context.info;
  return {
    activityType,
    taskQueue,
    ...(workflowExecution === undefined ? {} : { workflowId: workflowExecution.workflowId }),
  };
}

interface Entry extends Readonly<Record<string, unknown>> {
  readonly level: number;
  readonly time: number;
  readonly process: string;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
}

/** Formats one JSON line for a terminal: time, level, process, message, then the other fields. */
export function formatLine(line: string): string {
  const entry = JSON.parse(line) as Entry;
  const time = new Date(entry.time).toISOString().slice(11, CLOCK_END);
  const rest = Object.entries(entry)
    .filter(([name]) => !QUIET.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const failure = entry.err?.message === undefined ? [] : [`error=${entry.err.message}`];
  const words = [time, LABELS[entry.level] ?? String(entry.level), `${entry.process}:`, entry.msg ?? ''];
  // Text from outside must not add lines or colours to the terminal.
  return escapeControlCharacters([...words, ...rest, ...failure].join(' '));
}
