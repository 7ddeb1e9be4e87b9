/** Commands for who is not known yet, or no longer: they come without a signature, and set cookies. */
import type { FastifyBaseLogger } from 'fastify';
import { type ApiDependencies, type Documented, EVERYBODY, readValues } from './command.ts';
import { ApiError } from './errors.ts';
import type { Parameters, Values } from './parameters.ts';
import type { Given } from './request.ts';
import type { Answer } from './response.ts';

export interface DoorContext extends ApiDependencies {
  /** The header Cookie. */
  readonly cookies: string | undefined;
  /** Whether the call came over TLS. */
  readonly secure: boolean;
  readonly isPost: boolean;
  /** Where the call came from. */
  readonly address: string;
  readonly log: FastifyBaseLogger;
}

export interface DoorAnswer {
  readonly answer: Answer;
  readonly cookies: readonly string[];
}

export interface Door extends Documented {
  readonly open: (context: DoorContext, given: Given) => Promise<DoorAnswer>;
}

type Definition<P extends Parameters> = Omit<Documented, 'parameters' | 'isAsync' | 'isSigned' | 'roles'> & {
  readonly parameters: P;
  readonly run: (context: DoorContext, values: Values<P>) => Promise<DoorAnswer>;
};

export const defineDoor = <P extends Parameters>({ run, ...definition }: Definition<P>): Door => ({
  ...definition,
  isAsync: false,
  isSigned: false,
  roles: EVERYBODY,
  open: async (context, given) => {
    if (definition.isPostOnly === true && !context.isPost) {
      throw new ApiError(
        405,
        `${definition.name} is taken by POST only: a password in an address ends in logs.`,
      );
    }
    return run(context, readValues(definition, given));
  },
});
