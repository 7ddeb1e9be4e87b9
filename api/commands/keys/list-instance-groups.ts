import { listInstanceGroups as queryGroups } from '../../../db/keys/listing.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { listedOwner, ownListParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { INSTANCE_GROUP } from '../../fields/answers/key.ts';
import { instanceGroupNamed } from './instance-groups.ts';

export const listInstanceGroups = defineCommand({
  name: 'listInstanceGroups',
  since: '0.2.0',
  description: "Lists instance groups: those of the caller's account.",
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    name: text('the one of exactly this name'),
    ...ownListParameters,
    ...pagingParameters,
  },
  objects: 'instancegroup',
  response: INSTANCE_GROUP,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    if (values.id !== undefined) await instanceGroupNamed(context, 'id', values.id);
    const accountId = await listedOwner(context, values);
    const query = { accountId, id: values.id, name: values.name, keyword: values.keyword };
    return answerList('instancegroup', INSTANCE_GROUP, await queryGroups(db, query, page), caller);
  },
});
