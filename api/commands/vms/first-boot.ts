/** What a guest finds at its first boot: user data and SSH keys. */
import { keyPairsNamed } from '../../../db/keys/ssh-keys.ts';
import { findUserData, openUserData } from '../../../db/keys/user-data.ts';
import { sealUserData } from '../../../db/vms/secrets.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { entity } from '../../fields/entities.ts';
import type { MapEntry } from '../../fields/parameters.ts';
import { readUserData } from '../../fields/user-data.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError, badParameter } from '../../server/errors.ts';

interface UserDataValues {
  readonly userdata: string | undefined;
  readonly userdataid: string | undefined;
  readonly userdatadetails: readonly MapEntry[] | undefined;
}

interface OwnedVm {
  /** UUID. */
  readonly vm: string;
  readonly accountId: number;
}

/** The columns of a machine's user data. */
export interface UserDataColumns {
  readonly user_data_sealed: string | null;
  readonly user_data_id: number | null;
  /** JSON. */
  readonly user_data_details: string;
}

const MAX_DETAILS = 16_384;

/**
 * @returns undefined when the call says nothing of user data
 * @throws ApiError 431 in CloudStack's words
 */
export async function userDataColumns(
  context: CommandContext,
  { vm, accountId }: OwnedVm,
  { userdata, userdataid, userdatadetails }: UserDataValues,
): Promise<Partial<UserDataColumns> | undefined> {
  if (userdata !== undefined && userdata !== '' && userdataid !== undefined) {
    throw new ApiError(
      apiCodes.parameter,
      'Both userdata and userdata ID inputs are not allowed, please provide only one',
      { parameter: 'userdataid' },
    );
  }
  const details = detailsColumn(userdatadetails);
  if (userdataid !== undefined) {
    const found = await entity(context, 'userdataid', userdataid, (uuid) =>
      findUserData(context.db, accountId, uuid),
    );
    const text = await openUserData(context.masterKey, found);
    return {
      user_data_sealed: await sealUserData(context.masterKey, vm, text),
      user_data_id: found.id,
      ...details,
    };
  }
  if (userdata === undefined) return details;
  const text = await readUserData(context, userdata);
  const sealed = text === '' ? null : await sealUserData(context.masterKey, vm, text);
  return { user_data_sealed: sealed, user_data_id: null, ...details };
}

function detailsColumn(
  entries: readonly MapEntry[] | undefined,
): Pick<UserDataColumns, 'user_data_details'> | undefined {
  if (entries === undefined) return undefined;
  const text = JSON.stringify(Object.fromEntries(entries.map(({ key, value }) => [key, value])));
  if (text.length <= MAX_DETAILS) return { user_data_details: text };
  throw badParameter('userdatadetails', `has ${text.length} characters; at most ${MAX_DETAILS} are taken.`);
}

export interface KeyColumns {
  readonly keypair_names: string[];
  readonly public_keys: string[];
}

interface KeyValues {
  readonly keypair: string | undefined;
  readonly keypairs: readonly string[] | undefined;
}

/** The names that a call gives, each once. */
export const keyNames = ({ keypair, keypairs = [] }: KeyValues): readonly string[] => [
  ...new Set([...(keypair === undefined || keypair === '' ? [] : [keypair]), ...keypairs]),
];

/** @throws ApiError 431 in CloudStack's words, when the account lacks one of these key pairs */
export async function keyColumns(
  { db }: CommandContext,
  accountId: number,
  names: readonly string[],
): Promise<KeyColumns> {
  const found = new Map(
    (await keyPairsNamed(db, accountId, names)).map((pair) => [pair.name, pair.public_key]),
  );
  const public_keys = names.map((name) => found.get(name));
  if (public_keys.every((key) => key !== undefined)) return { keypair_names: [...names], public_keys };
  throw new ApiError(apiCodes.parameter, 'Not all specified keyparis exist', { parameter: 'keypairs' });
}
