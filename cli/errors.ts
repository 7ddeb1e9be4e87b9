/** The errors of client commands, and the exit codes that they lead to. */

import { blankControlCharacters } from '../model/control-characters.ts';

export const exitCodes = {
  ok: 0,
  /** The api refused the call, or the job failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No api answers, or none is configured. */
  unreachable: 3,
  /** Ctrl-C while waiting; 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An error whose message is one line for a person, with what to do. */
export class CliError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.failed) {
    super(oneLine(message));
    this.exitCode = exitCode;
  }
}

/** The command line asks for something that makes no sense. */
export class UsageError extends CliError {
  constructor(message: string) {
    super(message, exitCodes.usage);
  }
}

/** The api did not answer at all; a retry may help. */
export class UnreachableError extends CliError {
  /** The reason in a few words, such as `connection refused`. */
  readonly reason: string;

  constructor(message: string, reason = 'no answer') {
    super(message, exitCodes.unreachable);
    this.reason = reason;
  }
}

/** The api answered with an error of CloudStack's shape. */
export class ApiError extends CliError {
  /** CloudStack's error code: 401, 431, 530, … */
  readonly code: number;
  /** Such as `NoSuchEntity`; undefined when the api did not say. */
  readonly kind: string | undefined;

  constructor(code: number, message: string, kind?: string) {
    super(message);
    this.code = code;
    this.kind = kind;
  }
}

/** Makes one line of an error, without control characters, which must not reach a terminal. */
export const oneLine = (text: string): string => blankControlCharacters(text).replace(/\s+/g, ' ').trim();
