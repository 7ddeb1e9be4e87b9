import { removeTags } from '../../db/tags.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { badParameter } from '../errors.ts';
import { choice, list, map, type MapEntry, required } from '../parameters.ts';
import { JOB, render } from '../response.ts';
import { jobDone, TAGGED, taggedTemplates } from '../tags.ts';

export const deleteTags = defineCommand({
  name: 'deleteTags',
  description: 'Takes tags off templates or ISOs: those of the keys that are given, or all.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    resourceids: required(list('the ids of the templates or ISOs')),
    resourcetype: required(choice('Template or ISO', TAGGED)),
    tags: map('the tags: tags[0].key, and tags[0].value when only a tag of that value is meant'),
  },
  response: JOB,
  async run(context, { resourceids, resourcetype, tags }) {
    const templates = await taggedTemplates(context, resourceids, resourcetype);
    const [first] = templates;
    if (first === undefined) throw badParameter('resourceids', 'is empty: give the id of a template or ISO.');
    await removeTags(
      context.db,
      templates.map(({ id }) => id),
      tags?.map(asKey),
    );
    return render(JOB, { jobid: await jobDone(context, first, resourcetype) }, context.caller);
  },
});

/** `tags[0].key=K` alone arrives as an entry whose own key is `key`. */
const asKey = ({ key, value }: MapEntry): { readonly key: string; readonly value?: string } =>
  key === 'key' ? { key: value } : { key, value };
