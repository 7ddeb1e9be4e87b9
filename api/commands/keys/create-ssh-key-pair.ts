import { createSshKeyPair } from '../../../trust/ssh-keys.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ownedByParameters, ownerFor } from '../../fields/owners.ts';
import { name, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { NEW_SSH_KEY_PAIR } from '../../fields/answers/key.ts';
import { addKeyPair } from './ssh-key-pairs.ts';

export const createSSHKeyPair = defineCommand({
  name: 'createSSHKeyPair',
  since: '0.2.0',
  description: 'Makes a key pair with RSA, keeps its public key, and answers the private key this once.',
  roles: EVERYBODY,
  parameters: {
    name: required(name('the name of the pair; unique in its account')),
    ...ownedByParameters,
  },
  object: 'keypair',
  response: NEW_SSH_KEY_PAIR,
  async run(context, values) {
    const owner = await ownerFor(context, values);
    const { privateKey, ...key } = await createSshKeyPair();
    const nameTaken = `A key pair with name '${values.name}' already exists.`;
    const pair = await addKeyPair(context, owner, { name: values.name, key, nameTaken });
    return answerOne('keypair', NEW_SSH_KEY_PAIR, [{ ...pair, privateKey }], context.caller);
  },
});
