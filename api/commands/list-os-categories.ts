import { listOsCategories as queryCategories } from '../../db/listings/zones.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { id, text } from '../parameters.ts';
import { answerList } from '../response.ts';
import { categoryId, OS_CATEGORY } from '../responses/places.ts';

export const listOsCategories = defineCommand({
  name: 'listOsCategories',
  description: 'Lists the categories of guest operating systems.',
  roles: EVERYBODY,
  parameters: { id: id('this one'), name: text('the one of this name'), ...pagingParameters },
  objects: 'oscategory',
  response: OS_CATEGORY,
  async run({ db, caller }, values) {
    const { limit, offset } = readPage(values);
    const rows = (await queryCategories(db)).filter(
      ({ name }) =>
        (values.name === undefined || name === values.name) &&
        (values.id === undefined || categoryId(name) === values.id.toLowerCase()) &&
        name.toLowerCase().includes((values.keyword ?? '').toLowerCase()),
    );
    return answerList(
      'oscategory',
      OS_CATEGORY,
      { count: rows.length, rows: rows.slice(offset, offset + limit) },
      caller,
    );
  },
});
