import { setTags } from '../../db/tags.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { badParameter } from '../errors.ts';
import { choice, list, map, required } from '../parameters.ts';
import { JOB, render } from '../response.ts';
import { checkTags, jobDone, TAGGED, taggedTemplates } from '../tags.ts';

export const createTags = defineCommand({
  name: 'createTags',
  description: 'Puts tags on templates or ISOs; a key that is there already gets the new value.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    resourceids: required(list('the ids of the templates or ISOs')),
    resourcetype: required(choice('Template or ISO', TAGGED)),
    tags: map('the tags, as tags[0].key and tags[0].value'),
  },
  response: JOB,
  async run(context, { resourceids, resourcetype, tags }) {
    if (tags === undefined) throw badParameter('tags', 'is missing: give tags[0].key and tags[0].value.');
    checkTags(tags);
    const templates = await taggedTemplates(context, resourceids, resourcetype);
    const [first] = templates;
    if (first === undefined) throw badParameter('resourceids', 'is empty: give the id of a template or ISO.');
    await setTags(
      context.db,
      templates.map(({ id }) => id),
      tags,
    );
    return render(JOB, { jobid: await jobDone(context, first, resourcetype) }, context.caller);
  },
});
