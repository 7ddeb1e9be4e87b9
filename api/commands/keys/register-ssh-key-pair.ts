import { parseSshPublicKey } from '../../../trust/ssh-keys.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ownedByParameters, ownerFor } from '../../fields/owners.ts';
import { name, type Parameter, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { SSH_KEY_PAIR } from '../../fields/answers/key.ts';
import { addKeyPair, keyPairRefusal } from './ssh-key-pairs.ts';

const MAX_KEY_LENGTH = 8192;

/** It may end with the line break of its file; what is no key, `parseSshPublicKey` tells. */
const publicKey: Parameter<string, false> = {
  type: 'string',
  description: 'the public key as a line of OpenSSH, such as ssh-ed25519 AAAA...',
  required: false,
  length: MAX_KEY_LENGTH,
  mayBeEmpty: true,
  read: (parameter, sent) => sent.get(parameter),
};

export const registerSSHKeyPair = defineCommand({
  name: 'registerSSHKeyPair',
  since: '0.2.0',
  description: 'Adds a public key, by which virtual machines of the account can be given it.',
  roles: EVERYBODY,
  parameters: {
    name: required(name('the name of the pair; unique in its account')),
    publickey: required(publicKey),
    ...ownedByParameters,
  },
  object: 'keypair',
  response: SSH_KEY_PAIR,
  async run(context, values) {
    const owner = await ownerFor(context, values);
    const { publickey } = values;
    const key = publickey.length > MAX_KEY_LENGTH ? undefined : parseSshPublicKey(publickey);
    if (key === undefined) throw keyPairRefusal('publickey', 'Public key is invalid');
    const nameTaken = `A key pair with name '${values.name}' already exists for this account.`;
    const pair = await addKeyPair(context, owner, { name: values.name, key, nameTaken });
    return answerOne('keypair', SSH_KEY_PAIR, [pair], context.caller);
  },
});
