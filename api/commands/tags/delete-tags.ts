import { removeTags, TAGGED_TYPES } from '../../../db/tags/tags.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { choice, list, map, type MapEntry, required } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { jobDone, taggedResources } from './tags.ts';

export const deleteTags = defineCommand({
  name: 'deleteTags',
  description:
    'Takes tags off templates, ISOs, virtual machines or networks: those of the keys that are given, or all.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    resourceids: required(list('the ids of the templates, ISOs, virtual machines or networks')),
    resourcetype: required(choice('Template, ISO, UserVm or Network', TAGGED_TYPES)),
    tags: map('the tags: tags[0].key, and tags[0].value when only a tag of that value is meant'),
  },
  response: JOB,
  async run(context, { resourceids, resourcetype, tags }) {
    const resources = await taggedResources(context, resourceids, resourcetype);
    await removeTags(context.db, resources.kind, resources.ids, tags?.map(asKey));
    return render(JOB, { jobid: await jobDone(context, resources) }, context.caller);
  },
});

/** `tags[0].key=K` without a value is read as an entry with the key `key` and the value K. */
const asKey = ({ key, value }: MapEntry): { readonly key: string; readonly value?: string } =>
  key === 'key' ? { key: value } : { key, value };
