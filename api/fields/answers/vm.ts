/** A virtual machine as the API shows it: its row, and how far it is when a job works on it. */
import type { User } from '../../../db/accounts/accounts.ts';
import { listVms, type VmListRow } from '../../../db/vms/listing.ts';
import { listNics, type NicListRow } from '../../../db/vms/nics.ts';
import { openUserData, openUserDataDetails, type UserDataDetails } from '../../../db/vms/secrets.ts';
import { ImageError } from '../../../model/failures.ts';
import { copyWorkflowId, vmWorkflowId } from '../../../model/names.ts';
import { percent } from '../../../model/progress.ts';
import { jobStatus, TEMPLATE_FORMATS } from '../../../model/states.ts';
import { startPercent } from '../../../model/vm-progress.ts';
import { BOOT_TYPES, VM_PHASES } from '../../../model/vms.ts';
import type { LiveCopy } from '../../../orchestration/live.ts';
import type { CommandContext } from '../../server/command.ts';
import { liveCopies } from './deployment.ts';
import { groupBy } from '../group-by.ts';
import {
  boolean,
  date,
  forAdmins,
  integer,
  listOf,
  long,
  oneOf,
  optional,
  type Shape,
  string,
} from '../response.ts';
import { IN_DOMAIN } from './domain.ts';
import { NIC } from './nic.ts';
import { RESOURCE_TAG } from './resource-tag.ts';

export interface VmView extends VmListRow {
  readonly nics: readonly NicListRow[];
  /** The copy that the machine waits for. */
  readonly live?: LiveCopy;
  /** Base64; only where it was asked for. */
  readonly userData?: string;
  readonly userDataDetails?: UserDataDetails;
}

const NO_GROUPS: Shape<never> = {
  id: string('the id', () => ''),
  name: string('the name', () => ''),
};

/** What CloudStack's clients compare with their configuration, letter by letter. */
const BOOT_MODE_WORDS = { LEGACY: 'Legacy', SECURE: 'Secure' } as const;

const isUefi = ({ boot_type }: VmView): boolean => boot_type === 'UEFI';
const isUnderWay = ({ phase }: VmView): boolean => phase !== null;
const isOfIso = ({ template_format }: VmView): boolean => template_format === 'ISO';

const bytesOf = ({ live }: VmView): number | undefined => live?.progress?.bytes;
const totalOf = (view: VmView): number | undefined =>
  view.live === undefined ? undefined : view.live.progress?.total || imageSizeOf(view);
const imageSizeOf = ({ has_image, template_size, iso_size }: VmView): number =>
  has_image ? template_size : (iso_size ?? 0);

const percentOf = (view: VmView): number | undefined =>
  view.phase === null ? undefined : startPercent(view.phase, percent(bytesOf(view) ?? 0, totalOf(view) ?? 0));

/** Why the machine is not as it was asked to be, while nothing is done about it. */
const errorOf = (view: VmView, caller: User): string | undefined =>
  isUnderWay(view)
    ? undefined
    : (unknownSince(view, caller) ?? view.power_reason ?? view.error_str ?? undefined);

function unknownSince(
  { shown_state, state, host_name, power_state_updated }: VmView,
  { role }: User,
): string | undefined {
  if (shown_state !== 'Unknown') return undefined;
  const host = role === 'admin' && host_name !== null ? `host ${host_name}` : 'its host';
  const since = power_state_updated === null ? '' : `, since ${power_state_updated.toISOString()}`;
  const problem = state === 'Running' ? 'is Down' : 'was lost during a start, and has not reported since';
  return `${host} ${problem}: it is unknown whether the machine runs${since}`;
}

/** Texts that an empty map would not answer. */
const filled = (map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined =>
  Object.keys(map).length === 0 ? undefined : map;

export const VIRTUAL_MACHINE: Shape<VmView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name, which is the host name of the guest', ({ name }) => name),
  displayname: string('the name for people', ({ display_name }) => display_name),
  state: string(
    'Starting, Running, Stopping, Stopped, Destroyed, Expunging or Error; Unknown while its host is Down, or was lost during a start and has not reported since',
    ({ shown_state }) => shown_state,
  ),
  account: string('the account that owns it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
  userid: string('the id of the user who made it', ({ user_uuid }) => user_uuid),
  username: string('the name of the user who made it', ({ username }) => username),
  created: date('when it was asked for', ({ created }) => created),
  lastupdated: date('when its row changed last', ({ updated }) => updated),
  zoneid: string('the id of the zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of the zone', ({ zone_name }) => zone_name),
  hostid: forAdmins(optional.string('the id of its host', ({ host_uuid }) => host_uuid)),
  hostname: forAdmins(optional.string('the name of its host', ({ host_name }) => host_name)),
  instancename: forAdmins(string('the name of its domain', ({ instance_name }) => instance_name)),
  templateid: string(
    'the id of the template, or of the ISO that it was made from',
    (row) => row.template_uuid,
  ),
  templatename: string('its name', ({ template_name }) => template_name),
  templatedisplaytext: string('its description', ({ template_text }) => template_text),
  templateformat: oneOf(TEMPLATE_FORMATS, 'QCOW2, RAW or ISO', ({ template_format }) => template_format),
  isoid: optional.string('the id of the attached ISO', ({ iso_uuid }) => iso_uuid),
  isoname: optional.string('the name of the attached ISO', ({ iso_name }) => iso_name),
  isodisplaytext: optional.string('the description of the attached ISO', ({ iso_text }) => iso_text),
  serviceofferingid: string('the id of the service offering', ({ offering_uuid }) => offering_uuid),
  serviceofferingname: string('the name of the service offering', ({ offering_name }) => offering_name),
  diskofferingid: optional.string('the id of the disk offering of a machine made from an ISO', (view) =>
    isOfIso(view) ? view.disk_offering_uuid : undefined,
  ),
  diskofferingname: optional.string('its name', (view) =>
    isOfIso(view) ? view.disk_offering_name : undefined,
  ),
  cpunumber: integer('processors', ({ cpu }) => cpu),
  cpuspeed: integer('MHz of a processor', ({ speed }) => speed),
  memory: integer('megabytes', ({ ram_size }) => ram_size),
  group: optional.string('the instance group', ({ group_name }) => group_name),
  groupid: optional.string('the id of the instance group', ({ group_uuid }) => group_uuid),
  hypervisor: string('the hypervisor', () => 'KVM'),
  arch: string('the processor architecture', ({ arch }) => arch),
  keypairs: optional.string('names of its SSH key pairs, with commas between', ({ keypair_names }) =>
    keypair_names.length === 0 ? undefined : keypair_names.join(','),
  ),
  guestosid: optional.string('the id of the guest operating system', ({ os_uuid }) => os_uuid),
  ostypeid: optional.string('the same id', ({ os_uuid }) => os_uuid),
  osdisplayname: optional.string('the name of the guest operating system', ({ os_name }) => os_name),
  boottype: oneOf(BOOT_TYPES, 'BIOS or UEFI', ({ boot_type }) => boot_type),
  bootmode: optional.oneOf(['Legacy', 'Secure'], 'with UEFI: Legacy or Secure', (view) =>
    isUefi(view) ? BOOT_MODE_WORDS[view.boot_mode] : undefined,
  ),
  rootdeviceid: long('the number of its disk', () => 0),
  rootdevicetype: string('ROOT', () => 'ROOT'),
  pooltype: optional.string('the type of the pool of its disk', ({ pool_type }) => pool_type),
  passwordenabled: boolean(
    'whether the template has a program that sets passwords',
    (row) => row.password_enabled,
  ),
  haenable: boolean(
    'whether it is to be started again elsewhere: noted only',
    ({ ha_enabled }) => ha_enabled,
  ),
  displayvm: boolean('whether it is shown to users', ({ display_vm }) => display_vm),
  isdynamicallyscalable: boolean('noted only', ({ dynamically_scalable }) => dynamically_scalable),
  deleteprotection: boolean('whether it is protected from destroying', (row) => row.delete_protection),
  forvirtualnetwork: boolean('whether its network has a router', () => false),
  hasannotations: boolean('whether there are comments', () => false),
  userdata: optional.string('the user data as base64, where it is asked for', ({ userData }) => userData),
  userdataid: optional.string('the id of its registered user data', ({ user_data_uuid }) => user_data_uuid),
  userdataname: optional.string('the name of its registered user data', (row) => row.user_data_name),
  userdatadetails: optional.string(
    'values of variables of its user data, as JSON; in lists, where user data or machines by their ids are asked for',
    ({ userDataDetails }) => (userDataDetails === undefined ? undefined : JSON.stringify(userDataDetails)),
  ),
  ipaddress: optional.string(
    'the IPv4 address of its default card, once it is known',
    ({ nics }) => nics[0]?.ip4_address,
  ),
  details: optional.map('its details', ({ details }) => filled(details)),
  nic: listOf(NIC, 'its network cards, the default one first', ({ nics }) => nics),
  tags: listOf(RESOURCE_TAG, 'its tags', ({ tags, uuid, account_name }) =>
    tags.map((tag) => ({ ...tag, type: 'UserVm', resource_uuid: uuid, account_name })),
  ),
  affinitygroup: listOf(NO_GROUPS, 'affinity groups: none', () => []),
  securitygroup: listOf(NO_GROUPS, 'security groups: none', () => []),
  jobid: optional.string('the id of the job that works on it', ({ job_uuid }) => job_uuid),
  jobstatus: optional.integer('the status of that job: 0', ({ job_uuid }) =>
    job_uuid === null ? undefined : jobStatus.pending,
  ),
  phase: optional.oneOf(
    VM_PHASES,
    'what its start does: place chooses a host, copy waits for the image; then disk, seed, define, start, boot',
    ({ phase }) => phase,
  ),
  percent: optional.integer('how far its start is, through all phases', percentOf),
  bytes: optional.long('bytes of the image that are there, while the start waits for it', bytesOf),
  total: optional.long('bytes of the whole image, while the start waits for it', totalOf),
  rate: optional.long('bytes per second, while the image downloads', ({ live }) => live?.progress?.rate),
  source: optional.string('the URL that the image comes from', ({ live }) => live?.progress?.source),
  waitreason: optional.string('why its start waits', (view) =>
    isUnderWay(view) ? (view.error_str ?? view.live?.wait?.reason) : undefined,
  ),
  nexttry: optional.date('when the download of the image is tried again', ({ live }) =>
    live?.wait === undefined ? undefined : new Date(live.wait.until),
  ),
  error: optional.string('why it is not as it was asked to be', errorOf),
  errorkind: optional.string('the same as one word', (view) =>
    isUnderWay(view) ? undefined : view.error_kind,
  ),
  powerstate: string(
    'what its domain was last reported to be: PowerOn, PowerOff, PowerUnknown or PowerReportMissing',
    ({ power_state }) => power_state,
  ),
  powerstateupdated: optional.date('when that was reported', (row) => row.power_state_updated),
  workflowid: forAdmins(string('its workflow in Temporal', ({ uuid }) => vmWorkflowId(uuid))),
};

/** Fields that only listVirtualMachinesMetrics answers. */
export const VM_METRICS: Shape<VmView> = {
  cputotal: string(
    'megahertz of all its processors',
    ({ cpu, speed }) => `${((cpu * speed) / 1000).toFixed(2)} Ghz`,
  ),
  memorytotal: string('memory', ({ ram_size }) => `${(ram_size / 1024).toFixed(2)} GB`),
};

/** What a call asks for of what is sealed: nothing else is opened. */
export interface SealedAsked {
  readonly userData?: boolean;
  readonly userDataDetails?: boolean;
}

/** Adds cards and progress to each row; the number of queries does not depend on the number of rows. */
export async function viewVms(
  context: CommandContext,
  rows: readonly VmListRow[],
  asked: SealedAsked,
): Promise<readonly VmView[]> {
  const { db, masterKey } = context;
  const ids = rows.map(({ id }) => id);
  const nics = groupBy(await listNics(db, { vmIds: ids }), ({ vm_id }) => vm_id);
  const live = await liveCopies(
    context,
    rows.flatMap((row) => awaitedCopy(row) ?? []),
  );
  const views: VmView[] = [];
  for (const row of rows) {
    const copy = awaitedCopy(row);
    const running = copy && live.get(copyWorkflowId(copy.templateId, copy.poolId));
    const userData = asked.userData ? await ifItOpens(context, row, openUserData(masterKey, row)) : undefined;
    const userDataDetails = asked.userDataDetails
      ? await ifItOpens(context, row, openUserDataDetails(masterKey, row))
      : undefined;
    views.push({
      ...row,
      nics: nics.get(row.id) ?? [],
      ...(running === undefined ? {} : { live: running }),
      ...(userData === undefined ? {} : { userData }),
      ...(userDataDetails === undefined ? {} : { userDataDetails }),
    });
  }
  return views;
}

/** What cannot be opened is left out and logged: one damaged machine does not keep the others from being listed. */
async function ifItOpens<T>(
  { log }: CommandContext,
  { uuid }: VmListRow,
  opened: Promise<T>,
): Promise<T | undefined> {
  try {
    return await opened;
  } catch (error) {
    if (!(error instanceof ImageError && error.kind === 'SealBroken')) throw error;
    log.error({ err: error, virtualMachine: uuid }, 'user data of a virtual machine cannot be opened');
    return undefined;
  }
}

/** The copy that the start of a machine waits for: that of the image below its disk, or else of its ISO. */
function awaitedCopy({ phase, pool_uuid, has_image, template_uuid, iso_uuid }: VmListRow) {
  const templateId = has_image ? template_uuid : iso_uuid;
  if (phase !== 'copy' || pool_uuid === null || templateId === null) return undefined;
  return { templateId, poolId: pool_uuid };
}

/** Some machines, as their jobs and commands answer them; those that were expunged are absent. */
export async function readVms(
  context: CommandContext,
  uuids: readonly string[],
  asked: SealedAsked,
): Promise<readonly VmView[]> {
  if (uuids.length === 0) return [];
  const page = { limit: uuids.length, offset: 0 };
  const { rows } = await listVms(context.db, { ids: uuids }, page);
  return viewVms(context, rows, asked);
}
