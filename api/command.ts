/** What a command of the API is: everything that is known of it stands in its one definition. */
import type { FastifyBaseLogger } from 'fastify';
import type { Role, User } from '../db/accounts.ts';
import type { Database } from '../db/database.ts';
import type { Orchestration } from '../orchestration/client.ts';
import type { MasterKey } from '../trust/master-key.ts';
import type { CallLimit } from './call-limit.ts';
import { missingParameter } from './errors.ts';
import type { Parameters, Values } from './parameters.ts';
import type { Given } from './request.ts';
import type { Answer, FieldDoc } from './response.ts';
import type { SessionMemory } from './session-memory.ts';
import type { SharedAnswers } from './shared-answers.ts';

/** What the api asks of workflows. */
export type ApiOrchestration = Pick<
  Orchestration,
  | 'register'
  | 'requestDeployment'
  | 'requestStop'
  | 'requestRemoval'
  | 'requestDeletion'
  | 'requestHostLimits'
  | 'live'
  | 'registration'
  | 'isRunning'
  | 'requestKeystore'
  | 'syncCertificate'
>;

/** What the api is built from. */
export interface ApiDependencies {
  readonly db: Database;
  readonly orchestration: ApiOrchestration;
  readonly masterKey: MasterKey;
  readonly now: () => Date;
  /** Calls of one user. */
  readonly calls: CallLimit;
  /** Failed logins with one name from one address. */
  readonly logins: CallLimit;
  /** Seconds after which a session that nobody uses is over. */
  readonly sessionIdle: number;
  readonly sessions: SessionMemory;
  readonly answers: SharedAnswers;
  readonly installation: Installation;
}

/** What people are told of this installation. */
export interface Installation {
  readonly version: string;
  /** Empty when not known. */
  readonly temporalUiUrl: string;
  readonly temporalNamespace: string;
}

/** What a command knows of the call besides its parameters. */
export interface CommandContext extends ApiDependencies {
  /** The name of the command. */
  readonly command: string;
  readonly caller: User;
  /** The header `Idempotency-Key`. */
  readonly idempotencyKey: string | undefined;
  /** Milliseconds since the epoch until which the caller waits for an answer. */
  readonly answerBy: number;
  readonly log: FastifyBaseLogger;
}

export interface Definition<P extends Parameters> {
  readonly name: string;
  readonly description: string;
  /** The version that it came with. */
  readonly since?: string;
  /** Whether the answer is the id of a job. */
  readonly isAsync?: boolean;
  readonly roles: readonly Role[];
  readonly parameters: P;
  /** The key of the one thing that is answered. With neither this nor `objects`, its fields are the answer. */
  readonly object?: string;
  /** The key of the list that is answered. */
  readonly objects?: string;
  readonly response: Readonly<Record<string, FieldDoc>>;
  /** What stands beside the object or the list. */
  readonly besides?: Readonly<Record<string, FieldDoc>>;
  readonly run: (context: CommandContext, values: Values<P>) => Promise<Answer>;
}

/** What `listApis` and the documentation tell of a command. */
export interface Documented extends Omit<Definition<Parameters>, 'run' | 'isAsync'> {
  readonly isAsync: boolean;
  /** Absent: it is. */
  readonly isSigned?: false;
  /** Absent: GET as well. */
  readonly isPostOnly?: true;
}

export interface Command extends Documented {
  /** Reads and checks the parameters, and only then does anything. */
  readonly execute: (context: CommandContext, given: Given) => Promise<Answer>;
}

export const ADMINS: readonly Role[] = ['admin'];
export const EVERYBODY: readonly Role[] = ['admin', 'user'];

export function defineCommand<P extends Parameters>({ run, ...definition }: Definition<P>): Command {
  return {
    ...definition,
    isAsync: definition.isAsync ?? false,
    execute: (context, given) => run(context, readValues(definition, given)),
  };
}

/** @throws ApiError that names what is missing or wrong */
export function readValues<P extends Parameters>(
  { name: command, parameters }: { readonly name: string; readonly parameters: P },
  given: Given,
): Values<P> {
  const values = Object.entries(parameters).map(([name, parameter]) => {
    const value = parameter.read(name, given);
    if (value === undefined && parameter.required)
      throw missingParameter(command, name, parameter.description);
    return [name, value] as const;
  });
  return Object.fromEntries(values) as Values<P>;
}
