import { matchesNothing, fixedFilter } from '../../fields/fixed-filters.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { ROLE, ROLES } from '../../fields/answers/role.ts';

export const listRoles = defineCommand({
  name: 'listRoles',
  since: '0.2.0',
  description: 'Lists the roles that accounts have: administrators, and users.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    name: text('the one of this name'),
    state: fixedFilter('state', 'enabled'),
    type: choice('the one of this type', ['Admin', 'User']),
    ...pagingParameters,
  },
  objects: 'role',
  response: ROLE,
  run({ caller }, values) {
    const { limit, offset } = readPage(values);
    const rows = Object.values(ROLES).filter(
      ({ id: uuid, name, type }) =>
        !matchesNothing([values.state, 'enabled']) &&
        (values.id === undefined || uuid === values.id.toLowerCase()) &&
        (values.name === undefined || name === values.name) &&
        (values.type === undefined || type === values.type) &&
        name.toLowerCase().includes((values.keyword ?? '').toLowerCase()),
    );
    const listing = { count: rows.length, rows: rows.slice(offset, offset + limit) };
    return Promise.resolve(answerList('role', ROLE, listing, caller));
  },
});
