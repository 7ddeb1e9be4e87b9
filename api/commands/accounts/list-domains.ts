import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { flag, id, text } from '../../fields/parameters.ts';
import { answerList, boolean, integer, type Shape, string } from '../../fields/response.ts';
import { ROOT_DOMAIN } from '../../fields/answers/domain.ts';

const DOMAIN: Shape<typeof ROOT_DOMAIN> = {
  id: string('the id', ({ id: uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  path: string('the path', ({ path }) => path),
  level: integer('how deep it lies', () => 0),
  haschild: boolean('whether there are domains below it', () => false),
  state: string('Active', () => 'Active'),
};

export const listDomains = defineCommand({
  name: 'listDomains',
  description: 'Lists domains: there is ROOT.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    name: text('the one of this name'),
    listall: flag('accepted for other clients'),
    ...pagingParameters,
  },
  objects: 'domain',
  response: DOMAIN,
  run({ caller }, values) {
    const { offset } = readPage(values);
    const wanted =
      (values.id === undefined || values.id.toLowerCase() === ROOT_DOMAIN.id) &&
      (values.name === undefined || values.name === ROOT_DOMAIN.name) &&
      ROOT_DOMAIN.name.toLowerCase().includes((values.keyword ?? '').toLowerCase());
    const rows = wanted && offset === 0 ? [ROOT_DOMAIN] : [];
    return Promise.resolve(answerList('domain', DOMAIN, { count: wanted ? 1 : 0, rows }, caller));
  },
});
