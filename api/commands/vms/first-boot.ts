/** What a guest finds at its first boot: user data and SSH keys. */
import { keyPairsNamed } from '../../../db/keys/ssh-keys.ts';
import { findUserData, openUserData } from '../../../db/keys/user-data.ts';
import { sealUserData, sealUserDataDetails } from '../../../db/vms/secrets.ts';
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
  readonly user_data_details_sealed: string | null;
}

/** Characters of JSON. */
const MAX_DETAILS = 16_384;
/**
 * What cloud-init reads of the metadata itself; values of variables are beside it. With a text as `placement`, or most texts as
 * `seedfrom`, it would read nothing at all.
 */
const METADATA: ReadonlySet<string> = new Set([
  'instance-id',
  'local-hostname',
  'hostname',
  'public-keys',
  'dsmode',
  'network-interfaces',
  'seedfrom',
  'placement',
  'sensitive_keys',
  'launch-index',
]);

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
  const details = await detailsColumn(context, vm, userdatadetails);
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

async function detailsColumn(
  { masterKey }: CommandContext,
  vm: string,
  entries: readonly MapEntry[] | undefined,
): Promise<Pick<UserDataColumns, 'user_data_details_sealed'> | undefined> {
  if (entries === undefined) return undefined;
  const details = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
  const taken = Object.keys(details).find((key) => METADATA.has(key));
  if (taken !== undefined) {
    throw badParameter(
      'userdatadetails',
      `names a variable '${taken}', which is what cloud-init calls metadata of its own; give it another name.`,
    );
  }
  const { length } = JSON.stringify(details);
  if (length > MAX_DETAILS) {
    throw badParameter('userdatadetails', `has ${length} characters; at most ${MAX_DETAILS} are taken.`);
  }
  const isEmpty = Object.keys(details).length === 0;
  return { user_data_details_sealed: isEmpty ? null : await sealUserDataDetails(masterKey, vm, details) };
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
