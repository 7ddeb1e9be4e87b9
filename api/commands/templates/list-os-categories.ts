import { listOsCategories as queryCategories } from '../../../db/zones/listing.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { categoryId, OS_CATEGORY } from '../../fields/answers/places.ts';

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
