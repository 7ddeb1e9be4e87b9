/** What the commands that make SSH key pairs share. */
import { listSshKeyPairs, type SshKeyPairListRow } from '../../../db/keys/listing.ts';
import { createSshKeyPair as insertPair, similarKeyPairs } from '../../../db/keys/ssh-keys.ts';
import { AlreadyExists } from '../../../db/errors.ts';
import type { NamedAccount } from '../../../db/templates/sharing.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import type { SshPublicKey } from '../../../trust/ssh-keys.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError } from '../../server/errors.ts';

/** Refusals have CloudStack's words, which clients look for. @param parameter that is wrong */
export const keyPairRefusal = (parameter: string, sentence: string): ApiError =>
  new ApiError(apiCodes.parameter, sentence, { parameter });

/** @param nameTaken the sentence when the account has a pair of this name */
export async function addKeyPair(
  { db, caller }: CommandContext,
  owner: NamedAccount,
  { name, key, nameTaken }: { readonly name: string; readonly key: SshPublicKey; readonly nameTaken: string },
): Promise<SshKeyPairListRow> {
  const pair = { account_id: owner.id, name, public_key: key.text, fingerprint: key.fingerprint };
  const similar = await similarKeyPairs(db, pair);
  if (similar.some((other) => other.name === name)) throw keyPairRefusal('name', nameTaken);
  if (similar.length > 0)
    throw keyPairRefusal('publickey', `A key pair with key '${key.text}' already exists for this account.`);
  const uuid = await db
    .transaction()
    .execute(async (tx) => {
      const made = await insertPair(tx, pair);
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'REGISTER.SSH.KEYPAIR',
          description: `SSH key pair '${name}' was added`,
          accountUuid: owner.uuid,
          resourceType: 'SSHKeyPair',
          resourceUuid: made,
        },
      );
      return made;
    })
    .catch((error: unknown) => {
      throw error instanceof AlreadyExists ? keyPairRefusal('name', nameTaken) : error;
    });
  const { rows } = await listSshKeyPairs(db, { id: uuid }, { limit: 1, offset: 0 });
  const [row] = rows;
  if (row === undefined) throw new Error(`SSH key pair ${uuid} is gone`);
  return row;
}
