/** How a command ends when it does not end well, and what its exit code says. */

export const exitCodes = {
  ok: 0,
  /** The api refused, or what was waited for failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No api answers, or none is configured. */
  unreachable: 3,
  /** Ctrl-C while waiting; 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Its message is one line for a person, and says what to do. */
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

/** The api did not answer at all; asking again may help. */
export class UnreachableError extends CliError {
  /** In few words, such as `connection refused`. */
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

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Control characters from elsewhere must not reach a terminal, and an error is one line. */
export const oneLine = (text: string): string => text.replace(/[\s\x00-\x1f\x7f-\x9f]+/g, ' ').trim();
