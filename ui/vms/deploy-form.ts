/** The form to deploy a machine: its values, and the parameters that they become. */
import type { Values } from '../api/client.ts';
import type { ServiceOffering, Template } from '../../model/api-answers.ts';

export interface DeployValues {
  /** Undefined: the proposed one. */
  readonly name: string | undefined;
  /** Undefined: the first one. */
  readonly offeringId: string | undefined;
  /** Undefined: the first network. */
  readonly networkIds: readonly string[] | undefined;
  /** Names. Undefined: all keys of the user. */
  readonly keys: readonly string[] | undefined;
  /** GiB; empty: as large as the image. */
  readonly rootDiskSize: number | '';
  readonly cpus: number | '';
  /** MiB. */
  readonly memory: number | '';
  readonly userData: string;
  readonly firmware: Firmware;
  readonly hostId: string | null;
  readonly displayName: string;
  readonly group: string;
  readonly starts: boolean;
}

export const FIRMWARE = [
  { value: 'BIOS', label: 'BIOS' },
  { value: 'LEGACY', label: 'UEFI' },
  { value: 'SECURE', label: 'UEFI with Secure Boot' },
] as const;
export type Firmware = (typeof FIRMWARE)[number]['value'];

/** Bytes of the empty disk that a machine from an ISO begins with, in GiB. */
const ISO_DISK = 20;

export const blankFor = (image: Template): DeployValues => ({
  name: undefined,
  offeringId: undefined,
  networkIds: undefined,
  keys: undefined,
  rootDiskSize: image.format === 'ISO' ? ISO_DISK : '',
  cpus: 1,
  memory: 1024,
  userData: '',
  firmware: 'BIOS',
  hostId: null,
  displayName: '',
  group: '',
  starts: true,
});

/** A host name made from the name of an image, such as `debian-12`, and one that no other machine has. */
export function proposedVmName(image: string, taken: readonly string[]): string {
  const letters = image
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[-0-9]+|-+$/g, '')
    .slice(0, 50);
  const base = letters === '' ? 'vm' : letters;
  for (let number = 1; ; number += 1) {
    const name = `${base}-vm${number}`;
    if (!taken.includes(name)) return name;
  }
}

/** What is chosen, with everything that was left open filled in. */
export interface Choice {
  readonly image: Template;
  readonly zoneId: string;
  readonly name: string;
  readonly offering: ServiceOffering | undefined;
  readonly networkIds: readonly string[];
  readonly keys: readonly string[];
}

export function parametersOf(form: DeployValues, choice: Choice): Values {
  const { image, zoneId, name, offering, networkIds, keys } = choice;
  const isCustom = offering?.iscustomized === true;
  return {
    name,
    displayname: form.displayName,
    group: form.group,
    zoneid: zoneId,
    templateid: image.id,
    serviceofferingid: offering?.id,
    networkids: networkIds.join(','),
    keypairs: keys.join(','),
    rootdisksize: form.rootDiskSize,
    userdata: form.userData === '' ? undefined : base64(form.userData),
    hostid: form.hostId ?? undefined,
    startvm: form.starts,
    ...(form.firmware === 'BIOS' ? {} : { boottype: 'UEFI', bootmode: form.firmware }),
    ...(isCustom ? { 'details[0].cpuNumber': form.cpus, 'details[0].memory': form.memory } : {}),
  };
}

export const base64 = (text: string): string =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
