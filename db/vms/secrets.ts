/** The secrets of machines: sealed in the database, and opened only by who has the master key. */
import type { VmSecrets } from '../../model/vm-payloads.ts';
import { openAtRest, type SecretOwner, sealAtRest } from '../../trust/at-rest.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { newVncPassword } from '../../trust/vnc-password.ts';

/** What a box of `vm_instance` is sealed for. @param vm UUID */
const vmSecretOwner = (
  vm: string,
  use: 'vm user data' | 'vm user data details' | 'vnc password',
): SecretOwner => ({ use, vm });

/** @param userData base64 */
export const sealUserData = (masterKey: MasterKey, vm: string, userData: string): Promise<string> =>
  sealAtRest(masterKey, vmSecretOwner(vm, 'vm user data'), userData);

/**
 * User data of a machine, as base64; undefined when it has none.
 * @throws ImageError SealBroken when the box is not that of this machine
 */
export const openUserData = (
  masterKey: MasterKey,
  vm: { readonly uuid: string; readonly user_data_sealed: string | null },
): Promise<string | undefined> =>
  vm.user_data_sealed === null
    ? Promise.resolve(undefined)
    : openAtRest(masterKey, vmSecretOwner(vm.uuid, 'vm user data'), vm.user_data_sealed);

/** Values of variables of user data. */
export type UserDataDetails = Readonly<Record<string, string>>;

export const sealUserDataDetails = (
  masterKey: MasterKey,
  vm: string,
  details: UserDataDetails,
): Promise<string> =>
  sealAtRest(masterKey, vmSecretOwner(vm, 'vm user data details'), JSON.stringify(details));

/** @throws ImageError SealBroken when the box is not that of this machine */
export async function openUserDataDetails(
  masterKey: MasterKey,
  vm: { readonly uuid: string; readonly user_data_details_sealed: string | null },
): Promise<UserDataDetails | undefined> {
  if (vm.user_data_details_sealed === null) return undefined;
  const owner = vmSecretOwner(vm.uuid, 'vm user data details');
  return JSON.parse(await openAtRest(masterKey, owner, vm.user_data_details_sealed)) as UserDataDetails;
}

export const sealVncPassword = (masterKey: MasterKey, vm: string): Promise<string> =>
  sealAtRest(masterKey, vmSecretOwner(vm, 'vnc password'), newVncPassword());

/** Boxes of a machine, as its row has them. */
interface SealedSecrets {
  readonly userData: string | null;
  readonly userDataDetails: string | null;
  readonly vncPassword: string | null;
}

/**
 * What the host needs that is secret.
 * @throws ImageError SealBroken when the boxes are not those of this machine
 */
export async function openVmSecrets(
  masterKey: MasterKey,
  vm: string,
  { userData, userDataDetails, vncPassword }: SealedSecrets,
): Promise<VmSecrets> {
  const details = await openUserDataDetails(masterKey, {
    uuid: vm,
    user_data_details_sealed: userDataDetails,
  });
  return {
    vncPassword:
      vncPassword === null ? '' : await openAtRest(masterKey, vmSecretOwner(vm, 'vnc password'), vncPassword),
    ...(userData === null
      ? {}
      : { userData: await openAtRest(masterKey, vmSecretOwner(vm, 'vm user data'), userData) }),
    ...(details === undefined ? {} : { userDataDetails: details }),
  };
}
