/** The errors of the API, in the shape and with the numbers of CloudStack. */

import type { Role } from '../../db/accounts/accounts.ts';
import { apiCodes } from '../../model/api-codes.ts';

/** For an HTTP status: the number of the exception that CloudStack throws in such a case; 9999 where it has none. */
const CS_ERROR_CODE: Readonly<Record<number, number>> = {
  [apiCodes.parameter]: 4350,
  [apiCodes.internal]: 4250,
  [apiCodes.permission]: 4365,
  [apiCodes.resourceLimit]: 4370,
  [apiCodes.allocation]: 4370,
};
const SERVER_API_EXCEPTION = 9999;

/**
 * What a refusal is, for programs: they decide by this and never by the sentence. Beside each kind stands what the caller
 * can do, a sentence without its capital and its full stop; a refusal that knows better has advice of its own.
 */
export const ERROR_ADVICE = {
  NotAuthenticated: 'log in, or sign the call with the keys of a user',
  NoSuchCommand: 'listApis has those that are',
  NotSupported: 'listApis has what it does',
  TooManyCalls: 'call again after the seconds that the header Retry-After gives',
  Unreadable: 'correct the request: docs/api.md says how parameters are sent',
  MissingParameter: 'give the parameter',
  WrongParameter: 'correct the parameter',
  NoSuchEntity: 'give the id of one that exists and that you may see',
  SourceRefused: 'correct the URL, or give another one',
  NotPermitted: 'ask an administrator',
  LimitReached: 'delete what is no longer needed, or ask an administrator for a higher limit',
  NoCapacity: 'start a host worker, or give another zone or pool',
  Unavailable: 'see whether the database, Temporal and a control worker run, and try again',
  InUse: 'remove what uses it first',
  InternalFault: 'see the log of the api and of the control workers',
  BadRequest: 'correct the request',
} as const satisfies Readonly<Record<string, string>>;
export type ErrorKind = keyof typeof ERROR_ADVICE;
export const ERROR_KINDS = Object.keys(ERROR_ADVICE) as readonly ErrorKind[];

/** The kind of an error that names none itself. */
const KIND_OF_CODE: Readonly<Record<number, ErrorKind>> = {
  [apiCodes.unauthorized]: 'NotAuthenticated',
  [apiCodes.limit]: 'TooManyCalls',
  [apiCodes.malformed]: 'Unreadable',
  [apiCodes.parameter]: 'WrongParameter',
  [apiCodes.unsupported]: 'NotSupported',
  [apiCodes.internal]: 'InternalFault',
  [apiCodes.permission]: 'NotPermitted',
  [apiCodes.resourceLimit]: 'LimitReached',
  [apiCodes.allocation]: 'LimitReached',
  [apiCodes.capacity]: 'NoCapacity',
  [apiCodes.unavailable]: 'Unavailable',
  [apiCodes.inUse]: 'InUse',
};

export interface ErrorOptions {
  readonly csErrorCode?: number | undefined;
  readonly cause?: unknown;
  /** Milliseconds after which the same call may succeed. */
  readonly retryAfterMs?: number | undefined;
  /** The same for people, where the message has the words that existing clients look for. */
  readonly reason?: string | undefined;
  /** Default: the kind of the code. */
  readonly kind?: ErrorKind | undefined;
  /** The parameter that is wrong. */
  readonly parameter?: string | undefined;
  /** The host on which it happened. Only administrators see it. */
  readonly hostId?: string | undefined;
  /** What the caller can do. Default: the advice of the kind. */
  readonly advice?: string | undefined;
}

/** A refusal whose message is a sentence for the caller. */
export class ApiError extends Error {
  readonly code: number;
  readonly kind: ErrorKind;
  readonly csErrorCode: number;
  readonly reason: string | undefined;
  readonly parameter: string | undefined;
  readonly hostId: string | undefined;
  readonly advice: string;
  readonly retryAfterMs: number | undefined;

  constructor(code: number, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = options.kind ?? KIND_OF_CODE[code] ?? 'BadRequest';
    this.reason = options.reason;
    this.parameter = options.parameter;
    this.hostId = options.hostId;
    this.advice = options.advice ?? ERROR_ADVICE[this.kind];
    this.retryAfterMs = options.retryAfterMs;
    this.csErrorCode = options.csErrorCode ?? CS_ERROR_CODE[code] ?? SERVER_API_EXCEPTION;
  }

  /** @param role of the caller; undefined when the caller is not known */
  toBody(role?: Role): Readonly<Record<string, unknown>> {
    const { reason, parameter, hostId, advice } = this;
    return {
      uuidList: [],
      errorcode: this.code,
      cserrorcode: this.csErrorCode,
      errortext: this.message,
      errorkind: this.kind,
      ...(reason === undefined ? {} : { reason }),
      ...(parameter === undefined ? {} : { parameter }),
      ...(hostId === undefined || role !== 'admin' ? {} : { hostid: hostId }),
      advice,
    };
  }
}

/** What is wrong with one parameter: `Parameter NAME …` and a sentence that says what would be right. */
export const badParameter = (name: string, sentence: string, cause?: unknown): ApiError =>
  new ApiError(apiCodes.parameter, `Parameter ${name} ${sentence}`, { parameter: name, cause });

/** A value of a parameter that only administrators may give. @param sentence as of `badParameter` */
export const forbiddenParameter = (name: string, sentence: string): ApiError =>
  new ApiError(apiCodes.permission, `Parameter ${name} ${sentence}`, { parameter: name });

/** The message begins with a sentence for people; the rest are the words by which existing clients recognize this error. */
export function noSuchEntity(command: string, parameter: string, value: string): ApiError {
  const reason = `There is no ${nounOf(command, parameter)} with the id '${value}'.`;
  return new ApiError(
    apiCodes.parameter,
    `${reason} Unable to execute API command ${command.toLowerCase()} due to invalid value. Invalid parameter ` +
      `${parameter} value=${value} due to incorrect long value format, or entity does not exist or due to incorrect ` +
      'parameter annotation for the field in api cmd class.',
    { csErrorCode: SERVER_API_EXCEPTION, kind: 'NoSuchEntity', parameter, reason },
  );
}

/** The noun for what a parameter names, by the name of the parameter, or for `id` by that of the command. The first match holds. */
const NOUNS: readonly (readonly [RegExp, string])[] = [
  [/certificate/i, 'certificate'],
  [/serviceoffering/i, 'service offering'],
  [/diskoffering/i, 'disk offering'],
  [/networkoffering/i, 'network offering'],
  [/network|publicip/i, 'network'],
  [/virtualmachine/i, 'virtual machine'],
  [/userdata/i, 'user data'],
  [/keypair/i, 'SSH key pair'],
  [/affinitygroup/i, 'affinity group'],
  [/securitygroup/i, 'security group'],
  [/group/i, 'instance group'],
  [/ostype/i, 'guest operating system'],
  [/oscategor/i, 'category of guest operating systems'],
  [/storage/i, 'storage pool'],
  [/template/i, 'template'],
  [/iso/i, 'ISO'],
  [/zone/i, 'zone'],
  [/cluster/i, 'cluster'],
  [/pod/i, 'pod'],
  [/host/i, 'host'],
  [/account/i, 'account'],
  [/user/i, 'user'],
  [/role/i, 'role'],
  [/domain/i, 'domain'],
  [/job/i, 'job'],
];

function nounOf(command: string, parameter: string): string {
  const text = parameter === 'id' ? command : parameter;
  return NOUNS.find(([pattern]) => pattern.test(text))?.[1] ?? 'resource';
}

export const missingParameter = (command: string, parameter: string, description: string): ApiError =>
  new ApiError(
    apiCodes.parameter,
    `Unable to execute API command ${command.toLowerCase()} due to missing parameter ${parameter}: ${description}`,
    {
      csErrorCode: SERVER_API_EXCEPTION,
      kind: 'MissingParameter',
      parameter,
      reason: `Parameter ${parameter} is missing: ${description}.`,
    },
  );

export const unauthorized = (cause?: unknown): ApiError =>
  new ApiError(
    apiCodes.unauthorized,
    'unable to verify user credentials and/or request signature',
    cause === undefined ? {} : { cause },
  );

/** One answer for a command that does not exist and for one that the role may not call, so that a user cannot tell them apart. */
export const notAvailable = (command: string): ApiError =>
  new ApiError(
    apiCodes.unauthorized,
    `The given command '${command}' either does not exist, is not available for user.`,
    {
      kind: 'NoSuchCommand',
      reason: `There is no command '${command}', or not for you; listApis has those that are.`,
    },
  );

/** @param wait milliseconds */
export const tooManyFailures = (wait: number): ApiError =>
  new ApiError(
    apiCodes.limit,
    `Too many failed logins with this name; try again in ${Math.ceil(wait / 1000)} s.`,
    { retryAfterMs: wait },
  );
