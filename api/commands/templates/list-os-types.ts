import { findGuestOs, listGuestOs } from '../../../db/zones/listing.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { categoryNamed, checkEntity } from '../../fields/entities.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, isUuid, list, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { OS_TYPE } from '../../fields/answers/places.ts';

export const listOsTypes = defineCommand({
  name: 'listOsTypes',
  description: 'Lists guest operating systems.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    ids: list('these'),
    description: text('the one of this name'),
    oscategoryid: id('those of this category'),
    ...pagingParameters,
  },
  objects: 'ostype',
  response: OS_TYPE,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findGuestOs(db, uuid));
    const category = await categoryNamed(context, 'oscategoryid', values.oscategoryid);
    return answerList(
      'ostype',
      OS_TYPE,
      await listGuestOs(db, { ...values, ids: values.ids?.filter(isUuid), category }, page),
      caller,
    );
  },
});
