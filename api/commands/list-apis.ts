import { type Command, defineCommand, type Documented, EVERYBODY } from '../command.ts';
import { text } from '../parameters.ts';
import { answerList, boolean, list, type Shape, string } from '../response.ts';

const API: Shape<Documented> = {
  name: string('the name of the command', ({ name }) => name),
  description: string('what it does', ({ description }) => description),
  since: string('the version that it came with', ({ since }) => since ?? '0.1.0'),
  isasync: boolean('whether it answers the id of a job', ({ isAsync }) => isAsync),
  related: string('other commands with the same answer', () => ''),
  params: list('its parameters', ({ parameters }) =>
    Object.entries(parameters).map(([name, { type, required, length, description }]) => ({
      name,
      type,
      required,
      length,
      description,
      related: '',
    })),
  ),
  response: list('the fields of its answer', ({ response, besides }) =>
    Object.entries({ ...response, ...besides }).map(([name, { type, description }]) => ({
      name,
      type,
      description,
    })),
  ),
};

/** @param commands all there are, this one among them */
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
