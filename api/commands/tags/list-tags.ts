import { listTags as queryTags, TAGGED_TYPES, type TagRow } from '../../../db/tags/tags.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ownerOf, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, id, isUuid, text } from '../../fields/parameters.ts';
import { answerList, type Shape, string } from '../../fields/response.ts';
import { IN_DOMAIN } from '../../fields/answers/domain.ts';

const TAG: Shape<TagRow> = {
  key: string('the key', ({ key }) => key),
  value: string('the value', ({ value }) => value),
  resourcetype: string('Template, ISO or UserVm', ({ type }) => type),
  resourceid: string('the id of the template, ISO or virtual machine', (row) => row.resource_uuid),
  account: string('the account that owns it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
};

export const listTags = defineCommand({
  name: 'listTags',
  description: 'Lists the tags of templates, ISOs and virtual machines. Users see those of their account.',
  roles: EVERYBODY,
  parameters: {
    resourceid: id('those of this template, ISO or virtual machine'),
    resourcetype: choice('those of templates, of ISOs, or of virtual machines', TAGGED_TYPES),
    key: text('those of this key'),
    value: text('those of this value'),
    ...ownerParameters,
    ...pagingParameters,
  },
  objects: 'tag',
  response: TAG,
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
    return answerList('tag', TAG, await queryTags(db, query, page), caller);
  },
});
