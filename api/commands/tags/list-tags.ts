import { listTags as queryTags, TAGGED_TYPES } from '../../../db/tags/tags.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ownerOf, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, id, isUuid, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { RESOURCE_TAG } from '../../fields/answers/resource-tag.ts';

export const listTags = defineCommand({
  name: 'listTags',
  description:
    'Lists the tags of templates, ISOs, virtual machines and networks. Users see those of their account.',
  roles: EVERYBODY,
  parameters: {
    resourceid: id('those of this template, ISO, virtual machine or network'),
    resourcetype: choice('those of templates, of ISOs, of virtual machines, or of networks', TAGGED_TYPES),
    key: text('those of this key'),
    value: text('those of this value'),
    ...ownerParameters,
    ...pagingParameters,
  },
  objects: 'tag',
  response: RESOURCE_TAG,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    const accountId = await ownerOf(context, values);
    if (values.resourceid !== undefined && !isUuid(values.resourceid)) return {};
    const query = {
      accountId,
      type: values.resourcetype,
      resourceId: values.resourceid,
      key: values.key,
      value: values.value,
      keyword: values.keyword,
    };
    return answerList('tag', RESOURCE_TAG, await queryTags(db, query, page), caller);
  },
});
