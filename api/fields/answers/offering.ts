/** Service offerings and disk offerings as the API shows them. */
import type { ServiceOfferingListRow } from '../../../db/offerings/listing.ts';
import type { Row } from '../../../db/tables.ts';
import { boolean, date, forAdmins, long, optional, type Shape, string } from '../response.ts';

/** Texts with commas between them; absent where there are none. */
const joined = (texts: readonly string[]): string | undefined =>
  texts.length === 0 ? undefined : texts.join(',');

/** The details, and the bounds of an offering whose values the user chooses. */
function detailsOf(row: ServiceOfferingListRow): Readonly<Record<string, string>> | undefined {
  const bounds = {
    mincpunumber: row.min_cpu,
    maxcpunumber: row.max_cpu,
    minmemory: row.min_memory,
    maxmemory: row.max_memory,
  };
  const given = Object.entries(bounds).filter(([, value]) => value !== null);
  const all = { ...row.details, ...Object.fromEntries(given.map(([key, value]) => [key, String(value)])) };
  return Object.keys(all).length === 0 ? undefined : all;
}

export const SERVICE_OFFERING: Shape<ServiceOfferingListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  displaytext: string('the description', ({ display_text }) => display_text),
  cpunumber: optional.integer('how many processors; absent where the user chooses', ({ cpu }) => cpu),
  cpuspeed: optional.integer('MHz of each; absent where the user chooses', ({ speed }) => speed),
  memory: optional.integer('megabytes; absent where the user chooses', ({ ram_size }) => ram_size),
  iscustomized: boolean('whether the user chooses processors and memory', ({ customized }) => customized),
  storagetype: string('shared or local: of which pools its disks are', ({ storage_type }) => storage_type),
  provisioningtype: string('thin, sparse or fat', (row) => row.provisioning_type),
  cacheMode: string('none, writeback or writethrough', ({ cache_mode }) => cache_mode),
  storagetags: forAdmins(
    optional.string('the tags that its pools must have, separated by commas', (row) =>
      joined(row.storage_tags),
    ),
  ),
  hosttags: forAdmins(
    optional.string('the tags that its hosts must have, separated by commas', ({ host_tags }) =>
      joined(host_tags),
    ),
  ),
  rootdisksize: optional.long(
    'gigabytes of the root disk; absent: those of the image',
    (row) => row.root_disk_size,
  ),
  networkrate: optional.integer('megabits per second; absent: no limit', ({ network_rate }) => network_rate),
  limitcpuuse: boolean('whether its processors may not exceed their speed', (row) => row.limit_cpu_use),
  offerha: boolean('whether high availability was asked for', ({ offer_ha }) => offer_ha),
  isvolatile: boolean('whether a reboot makes the root disk anew', ({ is_volatile }) => is_volatile),
  dynamicscalingenabled: boolean(
    'whether machines may be scaled while they run',
    (row) => row.dynamic_scaling_enabled,
  ),
  diskofferingstrictness: boolean(
    'whether machines keep the disk offering of this one',
    (row) => row.disk_offering_strictness,
  ),
  iscustomizediops: boolean('false: operations per second are not limited', () => false),
  encryptroot: boolean('false: disks are not encrypted', () => false),
  issystem: boolean('false: there are no system VMs here', () => false),
  defaultuse: boolean('false: there are no system VMs here', () => false),
  deploymentplanner: optional.string('the deployment planner, as given', (row) => row.deployment_planner),
  serviceofferingdetails: optional.map('details, and the bounds of what the user chooses', detailsOf),
  zoneid: optional.string('the ids of its zones, separated by commas; absent: every zone', ({ zones }) =>
    joined(zones.map(({ uuid }) => uuid)),
  ),
  zone: optional.string('the names of its zones, separated by commas', ({ zones }) =>
    joined(zones.map(({ name }) => name)),
  ),
  state: string('Active or Inactive', ({ state }) => state),
  created: date('when it was made', ({ created }) => created),
};

export const DISK_OFFERING: Shape<Row<'disk_offering'>> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  displaytext: string('the description', ({ display_text }) => display_text),
  disksize: long('gigabytes; 0 where the user gives the size', ({ disk_size }) => disk_size ?? 0),
  iscustomized: boolean('whether the user gives the size', ({ disk_size }) => disk_size === null),
  storagetype: string('shared or local: of which pools its disks are', ({ storage_type }) => storage_type),
  provisioningtype: string('thin, sparse or fat', (row) => row.provisioning_type),
  cacheMode: string('none, writeback or writethrough', ({ cache_mode }) => cache_mode),
  tags: forAdmins(
    optional.string('the tags that its pools must have, separated by commas', ({ tags }) => joined(tags)),
  ),
  disksizestrictness: boolean('whether disks keep their size', (row) => row.disk_size_strictness),
  displayoffering: boolean('whether users see it', ({ display_offering }) => display_offering),
  iscustomizediops: boolean('false: operations per second are not limited', () => false),
  encrypt: boolean('false: disks are not encrypted', () => false),
  state: string('Active or Inactive', ({ state }) => state),
  created: date('when it was made', ({ created }) => created),
};
