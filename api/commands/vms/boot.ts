/** How a machine boots. */
import { BOOT_MODES, BOOT_TYPES, type BootMode, type BootType } from '../../../model/vms.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';

export interface Boot {
  readonly boot_type: BootType;
  readonly boot_mode: BootMode;
}

const wordIn = <W extends string>(words: readonly W[], given: string): W | undefined =>
  words.find((word) => word.toLowerCase() === given.toLowerCase());

/**
 * @param name of the machine, for sentences
 * @throws ApiError 431 in CloudStack's words
 */
export function bootOf(name: string, type: string | undefined, mode: string | undefined): Boot {
  const boot_type = type === undefined || type === '' ? 'BIOS' : wordIn(BOOT_TYPES, type);
  if (boot_type === undefined) {
    throw wrong(
      'boottype',
      `Invalid bootType ${type} Specified for vm ${name} Valid values are: [UEFI, BIOS]`,
    );
  }
  if (mode === undefined || mode === '') {
    if (boot_type === 'BIOS') return { boot_type, boot_mode: 'LEGACY' };
    throw wrong(
      'bootmode',
      `bootmode must be specified for the VM with boot type: UEFI. Valid values are: [${BOOT_MODES.join(', ')}]`,
    );
  }
  const boot_mode = wordIn(BOOT_MODES, mode);
  if (boot_mode === undefined || (boot_type === 'BIOS' && boot_mode === 'SECURE')) {
    const valid = boot_type === 'BIOS' ? 'LEGACY' : BOOT_MODES.join(', ');
    throw wrong(
      'bootmode',
      `Invalid bootmode: ${mode} specified for VM: ${name}. Valid values are: [${valid}]`,
    );
  }
  return { boot_type, boot_mode };
}

const wrong = (parameter: string, sentence: string): ApiError =>
  new ApiError(apiCodes.parameter, sentence, { parameter });
