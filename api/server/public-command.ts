/** Commands that need no credentials (login, logout): they are not signed, and set cookies. */
import type { FastifyBaseLogger } from 'fastify';
import { type ApiDependencies, type Documented, EVERYBODY, readValues } from './command.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { ApiError } from './errors.ts';
import type { Parameters, ParameterValues } from '../fields/parameters.ts';
import type { SentParameters } from './request.ts';
import type { Answer } from '../fields/response.ts';

export interface PublicContext extends ApiDependencies {
  /** The header Cookie. */
  readonly cookies: string | undefined;
  /** Whether the call came over TLS. */
  readonly secure: boolean;
  readonly isPost: boolean;
  /** Whether a page of another site sent it. */
  readonly isCrossSite: boolean;
  /** The IP address of the client. */
  readonly address: string;
  readonly log: FastifyBaseLogger;
}

export interface PublicAnswer {
  readonly answer: Answer;
  readonly cookies: readonly string[];
}

export interface PublicCommand extends Documented {
  readonly execute: (context: PublicContext, sent: SentParameters) => Promise<PublicAnswer>;
}

type Definition<P extends Parameters> = Omit<Documented, 'parameters' | 'isAsync' | 'isSigned' | 'roles'> & {
  readonly parameters: P;
  readonly run: (context: PublicContext, values: ParameterValues<P>) => Promise<PublicAnswer>;
};

export const definePublicCommand = <P extends Parameters>({
  run,
  ...definition
}: Definition<P>): PublicCommand => ({
  ...definition,
  isAsync: false,
  isSigned: false,
  roles: EVERYBODY,
  execute: async (context, sent) => {
    if (definition.isPostOnly === true && !context.isPost) {
      throw new ApiError(
        405,
        `${definition.name} is taken by POST only: a password in an address ends in logs.`,
      );
    }
    if (context.isCrossSite) {
      throw new ApiError(
        apiCodes.permission,
        `${definition.name} was sent by a page of another site, which may not; open the page of Bypass itself.`,
      );
    }
    return run(context, readValues(definition, sent));
  },
});
