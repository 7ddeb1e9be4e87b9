/** What goes wrong, in the shape and with the numbers of CloudStack. */

/** CloudStack's error codes; they are the HTTP status as well. */
export const errorCode = {
  unauthorized: 401,
  limit: 429,
  malformed: 430,
  parameter: 431,
  unsupported: 432,
  internal: 530,
  permission: 531,
  resourceLimit: 532,
  capacity: 533,
  unavailable: 534,
  inUse: 536,
} as const;

/** The number of the exception that CloudStack throws in such a case; 9999 where none is its own. */
const CS_ERROR_CODE: Readonly<Record<number, number>> = {
  [errorCode.parameter]: 4350,
  [errorCode.internal]: 4250,
  [errorCode.permission]: 4365,
  [errorCode.resourceLimit]: 4370,
};
const SERVER_API_EXCEPTION = 9999;

/** A refusal whose message is a sentence for the caller. */
export class ApiError extends Error {
  readonly code: number;
  readonly csErrorCode: number;
  /** Milliseconds after which the same call may succeed. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: number,
    message: string,
    options: { csErrorCode?: number; cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.csErrorCode = options.csErrorCode ?? CS_ERROR_CODE[code] ?? SERVER_API_EXCEPTION;
  }

  toBody(): Readonly<Record<string, unknown>> {
    return {
      uuidList: [],
      errorcode: this.code,
      cserrorcode: this.csErrorCode,
      errortext: this.message,
    };
  }
}

/** What is wrong with one parameter: `Parameter NAME …` and a sentence that says what would be right. */
export const badParameter = (name: string, sentence: string, cause?: unknown): ApiError =>
  new ApiError(errorCode.parameter, `Parameter ${name} ${sentence}`, { cause });

/** In the words by which existing clients tell that something is gone. @param command lower or mixed case */
export const noSuchEntity = (command: string, parameter: string, value: string): ApiError =>
  new ApiError(
    errorCode.parameter,
    `Unable to execute API command ${command.toLowerCase()} due to invalid value. Invalid parameter ${parameter} ` +
      `value=${value} due to incorrect long value format, or entity does not exist or due to incorrect parameter ` +
      'annotation for the field in api cmd class. Give the id of one that exists.',
    { csErrorCode: SERVER_API_EXCEPTION },
  );

export const missingParameter = (command: string, parameter: string, description: string): ApiError =>
  new ApiError(
    errorCode.parameter,
    `Unable to execute API command ${command.toLowerCase()} due to missing parameter ${parameter}: ${description}`,
    { csErrorCode: SERVER_API_EXCEPTION },
  );

export const unauthorized = (cause?: unknown): ApiError =>
  new ApiError(
    errorCode.unauthorized,
    'unable to verify user credentials and/or request signature',
    cause === undefined ? {} : { cause },
  );

/** The same for a command that does not exist and for one that the role may not call. */
export const notAvailable = (command: string): ApiError =>
  new ApiError(
    errorCode.unauthorized,
    `The given command '${command}' either does not exist, is not available for user.`,
  );
