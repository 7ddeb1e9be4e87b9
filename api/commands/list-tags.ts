import { listTags as queryTags, type TagRow } from '../../db/tags.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { ownerOf, ownerParameters } from '../owners.ts';
import { pagingParameters, readPage } from '../paging.ts';
import { choice, id, isUuid, text } from '../parameters.ts';
import { answerList, type Shape, string } from '../response.ts';
import { IN_DOMAIN } from '../responses/domain.ts';
import { TAGGED } from '../tags.ts';

const TAG: Shape<TagRow> = {
  key: string('the key', ({ key }) => key),
  value: string('the value', ({ value }) => value),
  resourcetype: string('Template or ISO', ({ iso }) => (iso ? 'ISO' : 'Template')),
  resourceid: string('the id of the template or ISO', ({ template_uuid }) => template_uuid),
  account: string('the account that owns it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
};

export const listTags = defineCommand({
  name: 'listTags',
  description: 'Lists the tags of templates and ISOs. Users see those of their account.',
  roles: EVERYBODY,
  parameters: {
    resourceid: id('those of this template or ISO'),
    resourcetype: choice('those of templates, or of ISOs', TAGGED),
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
      iso: values.resourcetype === undefined ? undefined : values.resourcetype === 'ISO',
      resourceId: values.resourceid,
      key: values.key,
      value: values.value,
      keyword: values.keyword,
    };
    return answerList('tag', TAG, await queryTags(db, query, page), caller);
  },
});
