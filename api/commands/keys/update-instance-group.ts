import { renameInstanceGroup } from '../../../db/keys/instance-groups.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { id, name, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { INSTANCE_GROUP } from '../../fields/answers/key.ts';
import { renamed } from '../zones/zones.ts';
import { instanceGroupNamed, nameTaken } from './instance-groups.ts';

export const updateInstanceGroup = defineCommand({
  name: 'updateInstanceGroup',
  since: '0.2.0',
  description: 'Renames an instance group.',
  roles: EVERYBODY,
  parameters: { id: required(id('the instance group')), name: name('another name') },
  object: 'instancegroup',
  response: INSTANCE_GROUP,
  async run(context, values) {
    const { db, caller } = context;
    const group = await instanceGroupNamed(context, 'id', values.id);
    const to = values.name ?? group.name;
    await db
      .transaction()
      .execute(async (tx) => {
        await renameInstanceGroup(tx, group.id, to);
        await recordCallerEvent(
          { db: tx, caller },
          {
            type: 'INSTANCE.GROUP.UPDATE',
            description: `Instance group '${group.name}' was changed${renamed(group.name, to)}`,
            accountUuid: group.account_uuid,
            resourceType: 'InstanceGroup',
            resourceUuid: group.uuid,
          },
        );
      })
      .catch(nameTaken('update vm group', to, group.account_uuid));
    const changed = await instanceGroupNamed(context, 'id', group.uuid);
    return answerOne('instancegroup', INSTANCE_GROUP, [changed], caller);
  },
});
