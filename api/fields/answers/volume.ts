/** Disks of virtual machines as the API shows them. */
import type { VolumeListRow } from '../../../db/vms/volume-listing.ts';
import { PROVISIONING_TYPES, STORAGE_TYPES } from '../../../model/vms.ts';
import { boolean, date, forAdmins, list, long, oneOf, optional, type Shape, string } from '../response.ts';
import { IN_DOMAIN } from './domain.ts';

const storageType = ({ pool_scope }: VolumeListRow): (typeof STORAGE_TYPES)[number] | undefined =>
  pool_scope === null ? undefined : pool_scope === 'HOST' ? 'local' : 'shared';

export const VOLUME: Shape<VolumeListRow> = {
  id: string('the id, which is the name of its file in the pool', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  type: oneOf(['ROOT', 'DATADISK'], 'ROOT or DATADISK', ({ volume_type }) => volume_type),
  state: oneOf(
    ['Allocated', 'Creating', 'Ready', 'Destroy', 'Expunging'],
    'Allocated, Creating, Ready, Destroy or Expunging',
    ({ state }) => state,
  ),
  deviceid: long('its number in the machine', ({ device_id }) => device_id),
  size: long('bytes that the guest sees; 0 while they are not known', ({ size }) => size),
  virtualsize: long('the same', ({ size }) => size),
  physicalsize: optional.long('bytes that its file takes', ({ physical_size }) => physical_size || undefined),
  account: string('the account that owns it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
  zoneid: string('the id of the zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of the zone', ({ zone_name }) => zone_name),
  clusterid: forAdmins(
    optional.string('the id of the cluster of its pool', ({ cluster_uuid }) => cluster_uuid),
  ),
  virtualmachineid: optional.string('the id of its machine', ({ vm_uuid }) => vm_uuid),
  vmname: optional.string('the name of its machine', ({ vm_name }) => vm_name),
  vmdisplayname: optional.string(
    'the name of its machine for people',
    ({ vm_display_name }) => vm_display_name,
  ),
  vmstate: optional.string('the state of its machine', ({ vm_state }) => vm_state),
  serviceofferingid: optional.string(
    'the id of the service offering of its machine',
    (row) => row.offering_uuid,
  ),
  serviceofferingname: optional.string('the name of that offering', ({ offering_name }) => offering_name),
  diskofferingid: optional.string(
    'the id of its disk offering',
    ({ disk_offering_uuid }) => disk_offering_uuid,
  ),
  diskofferingname: optional.string('the name of its disk offering', (row) => row.disk_offering_name),
  templateid: optional.string(
    'the id of the template that it stands on',
    ({ template_uuid }) => template_uuid,
  ),
  templatename: optional.string('the name of that template', ({ template_name }) => template_name),
  templatedisplaytext: optional.string(
    'the description of that template',
    ({ template_text }) => template_text,
  ),
  isoid: optional.string('the id of the ISO that its machine has', ({ iso_uuid }) => iso_uuid),
  isoname: optional.string('the name of that ISO', ({ iso_name }) => iso_name),
  storageid: forAdmins(optional.string('the id of its pool', ({ pool_uuid }) => pool_uuid)),
  storage: optional.string('the name of its pool', ({ pool_name }) => pool_name),
  storagetype: optional.oneOf(STORAGE_TYPES, 'shared or local: of which type its pool is', storageType),
  path: forAdmins(string('its file within the pool', ({ uuid }) => uuid)),
  provisioningtype: oneOf(PROVISIONING_TYPES, 'thin, sparse or fat', (row) => row.provisioning_type),
  hypervisor: string('the hypervisor', () => 'KVM'),
  destroyed: boolean(
    'whether it is to be removed',
    ({ state }) => state === 'Destroy' || state === 'Expunging',
  ),
  displayvolume: boolean('whether it is shown to users', () => true),
  isextractable: boolean('whether it can be downloaded', () => false),
  deleteprotection: boolean('whether it is protected from deletion', () => false),
  quiescevm: boolean('whether its machine can be quiesced', () => false),
  hasannotations: boolean('whether there are comments', () => false),
  tags: list('its tags: none', () => []),
  created: date('when it was asked for', ({ created }) => created),
  attached: optional.date('when it was attached', ({ vm_uuid, created }) =>
    vm_uuid === null ? undefined : created,
  ),
};
