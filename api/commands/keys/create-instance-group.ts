import { createInstanceGroup as insertGroup } from '../../../db/keys/instance-groups.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ownedByParameters, ownerFor } from '../../fields/owners.ts';
import { name, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { INSTANCE_GROUP } from '../../fields/answers/key.ts';
import { instanceGroupNamed, nameTaken } from './instance-groups.ts';

export const createInstanceGroup = defineCommand({
  name: 'createInstanceGroup',
  since: '0.2.0',
  description: 'Makes a group of virtual machines. One that a machine names is made by itself.',
  roles: EVERYBODY,
  parameters: {
    name: required(name('the name; unique in its account')),
    ...ownedByParameters,
  },
  object: 'instancegroup',
  response: INSTANCE_GROUP,
  async run(context, values) {
    const { db, caller } = context;
    const owner = await ownerFor(context, values);
    const uuid = await db
      .transaction()
      .execute(async (tx) => {
        const made = await insertGroup(tx, owner.id, values.name);
        await recordCallerEvent(
          { db: tx, caller },
          {
            type: 'INSTANCE.GROUP.CREATE',
            description: `Instance group '${values.name}' was made`,
            accountUuid: owner.uuid,
            resourceType: 'InstanceGroup',
            resourceUuid: made,
          },
        );
        return made;
      })
      .catch(nameTaken('create vm group', values.name, owner.uuid));
    return answerOne(
      'instancegroup',
      INSTANCE_GROUP,
      [await instanceGroupNamed(context, 'id', uuid)],
      caller,
    );
  },
});
