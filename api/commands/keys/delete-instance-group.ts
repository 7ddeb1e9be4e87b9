import { removeInstanceGroup } from '../../../db/keys/instance-groups.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';
import { instanceGroupNamed } from './instance-groups.ts';

export const deleteInstanceGroup = defineCommand({
  name: 'deleteInstanceGroup',
  since: '0.2.0',
  description: 'Removes an instance group; its virtual machines stay, in no group.',
  roles: EVERYBODY,
  parameters: { id: required(id('the instance group')) },
  response: SUCCESS,
  async run(context, values) {
    const { db, caller } = context;
    const group = await instanceGroupNamed(context, 'id', values.id);
    const text = `Instance group '${group.name}' was removed`;
    await db.transaction().execute(async (tx) => {
      await removeInstanceGroup(tx, group.id);
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'INSTANCE.GROUP.DELETE',
          description: text,
          accountUuid: group.account_uuid,
          resourceType: 'InstanceGroup',
          resourceUuid: group.uuid,
        },
      );
    });
    return render(SUCCESS, { text }, caller);
  },
});
