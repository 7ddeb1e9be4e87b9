import { type Command, defineCommand, type Documented, EVERYBODY } from '../../server/command.ts';
import { text } from '../../fields/parameters.ts';
import type { Parameter } from '../../fields/parameters.ts';
import {
  answerList,
  boolean,
  type FieldDoc,
  integer,
  listOf,
  type Shape,
  string,
} from '../../fields/response.ts';

const API_PARAMETER: Shape<Parameter<unknown> & { readonly name: string }> = {
  name: string('the name', ({ name }) => name),
  type: string('the type', ({ type }) => type),
  required: boolean('whether it must be given', ({ required }) => required),
  length: integer('the longest value, in characters', ({ length }) => length),
  description: string('what it means', ({ description }) => description),
  related: string('other commands with the same parameter', () => ''),
};

const API_FIELD: Shape<FieldDoc & { readonly name: string }> = {
  name: string('the name', ({ name }) => name),
  type: string('the type', ({ type }) => type),
  description: string('what it means', ({ description }) => description),
};

const API: Shape<Documented> = {
  name: string('the name of the command', ({ name }) => name),
  description: string('what it does', ({ description }) => description),
  since: string('the version that it came with', ({ since }) => since ?? '0.1.0'),
  isasync: boolean('whether it answers the id of a job', ({ isAsync }) => isAsync),
  related: string('other commands with the same answer', () => ''),
  params: listOf(API_PARAMETER, 'its parameters', ({ parameters }) =>
    Object.entries(parameters).map(([name, parameter]) => ({ ...parameter, name })),
  ),
  response: listOf(API_FIELD, 'the fields of its answer', ({ response, besides }) =>
    Object.entries({ ...response, ...besides }).map(([name, field]) => ({ ...field, name })),
  ),
};

/** @param commands all commands, listApis included */
export const listApis = (commands: () => readonly Documented[]): Command =>
  defineCommand({
    name: 'listApis',
    description: 'Lists the commands that the caller may use, with their parameters and answers.',
    roles: EVERYBODY,
    parameters: { name: text('the one of this name') },
    objects: 'api',
    response: API,
    async run({ caller }, { name }) {
      const wanted = name?.toLowerCase();
      const rows = commands()
        .filter(({ roles }) => roles.includes(caller.role))
        .filter((command) => wanted === undefined || command.name.toLowerCase() === wanted);
      return answerList('api', API, { count: rows.length, rows }, caller);
    },
  });
