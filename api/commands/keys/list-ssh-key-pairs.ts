import { listSshKeyPairs as queryPairs } from '../../../db/keys/listing.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity } from '../../fields/entities.ts';
import { listedOwner, ownListParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { SSH_KEY_PAIR } from '../../fields/answers/key.ts';

export const listSSHKeyPairs = defineCommand({
  name: 'listSSHKeyPairs',
  since: '0.2.0',
  description: "Lists SSH key pairs: those of the caller's account.",
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    name: text('the one of exactly this name'),
    fingerprint: text('the one with this fingerprint'),
    ...ownListParameters,
    ...pagingParameters,
  },
  objects: 'sshkeypair',
  response: SSH_KEY_PAIR,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    const accountId = await listedOwner(context, values);
    await checkEntity(context, 'id', values.id, async (uuid) => {
      const { rows } = await queryPairs(db, { id: uuid, accountId }, { limit: 1, offset: 0 });
      return rows[0];
    });
    const { name, fingerprint, keyword } = values;
    const query = { accountId, id: values.id, name, fingerprint: fingerprint?.toLowerCase(), keyword };
    return answerList('sshkeypair', SSH_KEY_PAIR, await queryPairs(db, query, page), caller);
  },
});
