/** What a command of the API is: one definition has its name, roles, parameters, answer, and code. */
import type { FastifyBaseLogger } from 'fastify';
import type { Role, User } from '../../db/accounts/accounts.ts';
import type { Database } from '../../db/database.ts';
import type { Orchestration } from '../../orchestration/orchestration.ts';
import type { FairQueue } from '../../model/fair-queue.ts';
import type { Protocols } from '../../model/protocols.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import type { CallLimit } from './call-limit.ts';
import type { JobEnds } from './job-ends.ts';
import { missingParameter } from './errors.ts';
import type { Parameters, ParameterValues } from '../fields/parameters.ts';
import type { SentParameters } from './request.ts';
import type { Answer, FieldDoc } from '../fields/response.ts';
import type { SessionMemory } from './session-memory.ts';
import type { SharedAnswers } from './shared-answers.ts';
import type { TraceCall } from './trace-call.ts';

/** The part of orchestration that the api uses. */
export type ApiOrchestration = Pick<
  Orchestration,
  | 'register'
  | 'checkSource'
  | 'requestDeployment'
  | 'requestRollout'
  | 'requestStop'
  | 'requestRemoval'
  | 'requestDeletion'
  | 'requestHostLimits'
  | 'handOver'
  | 'live'
  | 'registration'
  | 'isRunning'
  | 'requestKeystore'
  | 'requestPeers'
  | 'requestCleanup'
  | 'syncCertificate'
  | 'requestVm'
  | 'consoleLog'
>;

/** What all commands of one api process share. */
export interface ApiDependencies {
  readonly db: Database;
  readonly orchestration: ApiOrchestration;
  readonly masterKey: MasterKey;
  /** The protocols by which hosts fetch images. */
  readonly protocols: Protocols;
  readonly now: () => Date;
  /** Limits the calls of one user. */
  readonly calls: CallLimit;
  /** Limits failed logins with one name from one address. */
  readonly logins: CallLimit;
  /** Seconds after which an unused session ends. */
  readonly sessionIdle: number;
  readonly sessions: SessionMemory;
  readonly answers: SharedAnswers;
  readonly jobEnds: JobEnds;
  /** Calls under way, by the UUID of their user. */
  readonly turns: FairQueue;
  readonly installation: Installation;
  /** Called for each answered call. */
  readonly onAnswered?: (call: AnsweredCall) => void;
  /** Default: calls are not traced. */
  readonly trace?: TraceCall;
}

export interface AnsweredCall {
  /** Name of the command; `unknown` where there is none of that name. */
  readonly command: string;
  /** Of HTTP. */
  readonly status: number;
  readonly ms: number;
}

/** Facts about this installation that its users may see. */
export interface Installation {
  readonly version: string;
  /** Empty when no address is configured. */
  readonly temporalUiUrl: string;
  readonly temporalNamespace: string;
}

/** What a command gets besides its parameters. */
export interface CommandContext extends ApiDependencies {
  /** The name of the command. */
  readonly command: string;
  readonly caller: User;
  /** The header `Idempotency-Key`. */
  readonly idempotencyKey: string | undefined;
  /** Whether the request is a POST; else it is a GET. */
  readonly isPost: boolean;
  /** Milliseconds since the epoch by which the command should answer. */
  readonly answerBy: number;
  readonly log: FastifyBaseLogger;
}

export interface Definition<P extends Parameters> {
  readonly name: string;
  readonly description: string;
  /** The version of Bypass that added the command. */
  readonly since?: string;
  /** Whether the answer is the id of a job. */
  readonly isAsync?: boolean;
  readonly roles: readonly Role[];
  readonly parameters: P;
  /** The key of the one object in the answer. With neither this nor `objects`, the fields stand in the answer itself. */
  readonly object?: string;
  /** The key of the list in the answer. */
  readonly objects?: string;
  readonly response: Readonly<Record<string, FieldDoc>>;
  /** Fields beside the object or the list. */
  readonly besides?: Readonly<Record<string, FieldDoc>>;
  readonly run: (context: CommandContext, values: ParameterValues<P>) => Promise<Answer>;
  /**
   * Waits for what the caller wants to wait for, before the call takes its turn among the calls of its user.
   * @param gone aborts when the caller does not listen any more
   */
  readonly waitFirst?: (
    context: CommandContext,
    values: ParameterValues<P>,
    gone: AbortSignal,
  ) => Promise<void>;
}

/** What `listApis` and the documentation publish about a command. */
export interface Documented extends Omit<Definition<Parameters>, 'run' | 'waitFirst' | 'isAsync'> {
  readonly isAsync: boolean;
  /** False for commands that need no signature. */
  readonly isSigned?: false;
  /** True for commands that refuse GET. */
  readonly isPostOnly?: true;
}

export interface Command extends Documented {
  /** Reads and checks all parameters before it does anything else. */
  readonly execute: (context: CommandContext, sent: SentParameters) => Promise<Answer>;
  readonly waitFirst?: (context: CommandContext, sent: SentParameters, gone: AbortSignal) => Promise<void>;
}

export const ADMINS: readonly Role[] = ['admin'];
export const EVERYBODY: readonly Role[] = ['admin', 'user'];

export function defineCommand<P extends Parameters>({
  run,
  waitFirst,
  ...definition
}: Definition<P>): Command {
  return {
    ...definition,
    isAsync: definition.isAsync ?? false,
    execute: (context, sent) => run(context, readValues(definition, sent)),
    ...(waitFirst === undefined
      ? {}
      : {
          waitFirst: (context: CommandContext, sent: SentParameters, gone: AbortSignal) =>
            waitFirst(context, readValues(definition, sent), gone),
        }),
  };
}

/** @throws ApiError that names the parameter that is missing or wrong */
export function readValues<P extends Parameters>(
  { name: command, parameters }: { readonly name: string; readonly parameters: P },
  sent: SentParameters,
): ParameterValues<P> {
  const values = Object.entries(parameters).map(([name, parameter]) => {
    const value = parameter.read(name, sent);
    if (value === undefined && parameter.required)
      throw missingParameter(command, name, parameter.description);
    return [name, value] as const;
  });
  return Object.fromEntries(values) as ParameterValues<P>;
}
