import { listUserData as queryUserData } from '../../../db/keys/listing.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { listedOwner, ownListParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { USER_DATA } from '../../fields/answers/key.ts';
import { openedUserData, userDataNamed } from './user-data.ts';

export const listUserData = defineCommand({
  name: 'listUserData',
  since: '0.2.0',
  description: "Lists registered user data: that of the caller's account.",
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    name: text('the one of exactly this name'),
    ...ownListParameters,
    ...pagingParameters,
  },
  objects: 'userdata',
  response: USER_DATA,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    if (values.id !== undefined) await userDataNamed(context, 'id', values.id);
    const accountId = await listedOwner(context, values);
    const query = { accountId, id: values.id, name: values.name, keyword: values.keyword };
    const { count, rows } = await queryUserData(db, query, page);
    const opened = await Promise.all(rows.map((row) => openedUserData(context, row)));
    return answerList('userdata', USER_DATA, { count, rows: opened }, caller);
  },
});
