import { removeSshKeyPair } from '../../../db/keys/ssh-keys.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ownedByParameters, ownerFor } from '../../fields/owners.ts';
import { name, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';
import { keyPairRefusal } from './ssh-key-pairs.ts';

export const deleteSSHKeyPair = defineCommand({
  name: 'deleteSSHKeyPair',
  since: '0.2.0',
  description: 'Removes an SSH key pair. Virtual machines that were given it keep its public key.',
  roles: EVERYBODY,
  parameters: {
    name: required(name('the name of the pair')),
    ...ownedByParameters,
  },
  response: SUCCESS,
  async run(context, values) {
    const { db, caller } = context;
    const owner = await ownerFor(context, values);
    const text = `SSH key pair '${values.name}' was removed`;
    await db.transaction().execute(async (tx) => {
      const uuid = await removeSshKeyPair(tx, owner.id, values.name);
      if (uuid === undefined)
        throw keyPairRefusal(
          'name',
          `A key pair with name '${values.name}' does not exist for account ${owner.name} in specified domain id`,
        );
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'DELETE.SSH.KEYPAIR',
          description: text,
          accountUuid: owner.uuid,
          resourceType: 'SSHKeyPair',
          resourceUuid: uuid,
        },
      );
    });
    return render(SUCCESS, { text }, caller);
  },
});
