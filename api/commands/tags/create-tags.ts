import { NotPossible } from '../../../db/errors.ts';
import { setTags, TAGGED_TYPES } from '../../../db/tags/tags.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { choice, list, map, required } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { checkTags, jobDone, taggedResources } from './tags.ts';

export const createTags = defineCommand({
  name: 'createTags',
  description:
    'Puts tags on templates, ISOs, virtual machines or networks; a key that is there already gets the new value.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    resourceids: required(list('the ids of the templates, ISOs, virtual machines or networks')),
    resourcetype: required(choice('Template, ISO, UserVm or Network', TAGGED_TYPES)),
    tags: map('the tags, as tags[0].key and tags[0].value'),
  },
  response: JOB,
  async run(context, { resourceids, resourcetype, tags }) {
    if (tags === undefined) throw badParameter('tags', 'is missing: give tags[0].key and tags[0].value.');
    checkTags(tags);
    const resources = await taggedResources(context, resourceids, resourcetype);
    await setTags(context.db, resources.kind, resources.ids, tags).catch((error: unknown) => {
      throw error instanceof NotPossible ? badParameter('tags', `are too many: ${error.message}.`) : error;
    });
    return render(JOB, { jobid: await jobDone(context, resources) }, context.caller);
  },
});
