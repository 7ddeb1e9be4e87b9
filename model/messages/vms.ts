/** Messages about virtual machines: jobs as a host reads them, and answers as the control side does. */
import * as z from 'zod/mini';
import {
  BOOT_MODES,
  CACHE_MODES,
  DOMAIN_STATES,
  HOST_NETWORK_KINDS,
  HOST_NETWORK_NAME,
  PROVISIONING_TYPES,
} from '../vms.ts';
import type { DomainReport, HostNetwork, HypervisorReport, NicAddresses } from '../vms.ts';
import type {
  ChangeIsoJob,
  ConsoleLogInput,
  ConsoleLogJob,
  ConsoleLogResult,
  DomainsInput,
  ListDomainsJob,
  ListDomainsResult,
  ReleaseVmJob,
  ReleaseVmResult,
  StartVmJob,
  StartVmResult,
  StopVmJob,
  VmDisk,
  VmImage,
  VmInput,
  VmJobParameters,
  VmNic,
  VmStateResult,
} from '../vm-payloads.ts';
import type { VmTiming } from '../vm-timing.ts';
import { common } from './answer.ts';
import { runParameters } from './inputs.ts';
import { poolReport } from './pools.ts';
import {
  ifUnderstood,
  message,
  messageToHandOn,
  rule,
  text,
  understood,
  uuid,
  version,
  whole,
} from './schema.ts';
import type { Schema } from './schema.ts';

const MAX_CPUS = 1024;
/** Megabytes. */
const MAX_MEMORY = 64 * 1024 * 1024;
const MAX_NICS = 32;
const MAX_KEYS = 100;
const MAX_LOG_BYTES = 65_536;
const MAX_PATIENCE_MS = 60 * 60 * 1000;

const matching = (pattern: RegExp, what: string): Schema<string> =>
  z.string().check(rule((given) => (pattern.test(given) ? undefined : `is no ${what}`)));

const instanceName = () => matching(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, 'name of a domain');
const hostName = () => matching(/^[A-Za-z][A-Za-z0-9-]{0,62}$/, 'name of a host');
const networkName = () => matching(HOST_NETWORK_NAME, 'name of a network');
const mac = () => matching(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'MAC address in lower case');
const address = () => matching(/^[0-9a-fA-F.:]{2,45}$/, 'address');

const image = message<VmImage>({ copyId: uuid(), format: z.enum(['QCOW2', 'RAW', 'ISO']) });

const disk = message<VmDisk>({
  volumeId: uuid(),
  size: whole(),
  provisioning: z.enum(PROVISIONING_TYPES),
  cache: z.enum(CACHE_MODES),
  image: z.optional(image),
  made: ifUnderstood(z.boolean()),
});

const nic = message<VmNic>({
  nicId: uuid(),
  mac: mac(),
  network: networkName(),
  vlan: z.optional(whole(1, 4094)),
  rate: z.optional(whole(1)),
  address: z.optional(address()),
  netmask: z.optional(address()),
  gateway: z.optional(address()),
  address6: z.optional(matching(/^[0-9a-fA-F:]{2,39}(\/\d{1,3})?$/, 'IPv6 address')),
});

export const startVmJob = message<StartVmJob>({
  v: version(),
  vmId: uuid(),
  instanceName: instanceName(),
  generation: whole(),
  zoneId: uuid(),
  accountId: uuid(),
  poolId: uuid(),
  disk,
  iso: z.optional(image),
  bootFromIso: z.boolean(),
  cpus: whole(1, MAX_CPUS),
  cpuSpeed: whole(),
  limitCpu: z.boolean(),
  memory: whole(1, MAX_MEMORY),
  nics: z.array(nic).check(z.maxLength(MAX_NICS)),
  uefi: z.optional(z.enum(BOOT_MODES)),
  seed: message<StartVmJob['seed']>({
    instanceId: uuid(),
    hostName: hostName(),
    publicKeys: z.array(z.string()).check(z.maxLength(MAX_KEYS)),
  }),
  details: z.catch(z.record(z.string(), z.string()), {}),
  sealed: z.optional(z.string()),
});

export const stopVmJob = message<StopVmJob>({
  v: version(),
  vmId: uuid(),
  forced: z.boolean(),
  patienceMs: whole(0, MAX_PATIENCE_MS),
});

export const releaseVmJob = message<ReleaseVmJob>({
  v: version(),
  vmId: uuid(),
  generation: whole(),
  remove: z.array(message<ReleaseVmJob['remove'][number]>({ poolId: uuid(), volumeId: uuid() })),
  forget: z.boolean(),
});

export const changeIsoJob = message<ChangeIsoJob>({
  v: version(),
  vmId: uuid(),
  poolId: uuid(),
  iso: z.optional(image),
  forced: z.boolean(),
});

export const consoleLogJob = message<ConsoleLogJob>({
  v: version(),
  vmId: uuid(),
  bytes: whole(0, MAX_LOG_BYTES),
});

export const listDomainsJob = message<ListDomainsJob>({ v: version() });

/** What is not understood says nothing about a domain: it counts as paused, which changes no state. */
const domainState = () => z.catch(z.enum(DOMAIN_STATES), 'paused');

const nicAddresses = message<NicAddresses>({
  mac: mac(),
  ip4: ifUnderstood(address()),
  ip6: ifUnderstood(address()),
});

const domainReport = message<DomainReport>({
  vmId: uuid(),
  state: domainState(),
  reason: ifUnderstood(text()),
  addresses: ifUnderstood(understood(nicAddresses)),
});

export const startVmResult = message<StartVmResult>({
  ...common,
  vmId: uuid(),
  state: domainState(),
  ran: z.boolean(),
  size: whole(),
  physicalSize: whole(),
  addresses: understood(nicAddresses),
  pool: poolReport,
});

export const vmStateResult = message<VmStateResult>({ ...common, vmId: uuid(), state: domainState() });

export const releaseVmResult = message<ReleaseVmResult>({
  ...common,
  vmId: uuid(),
  had: z.boolean(),
  files: whole(),
});

export const consoleLogResult = message<ConsoleLogResult>({
  ...common,
  vmId: uuid(),
  output: z.string(),
  size: whole(),
});

export const listDomainsResult = message<ListDomainsResult>({
  ...common,
  domains: understood(domainReport),
  problem: ifUnderstood(text()),
});

const hostNetwork = message<HostNetwork>({
  name: networkName(),
  kind: z.enum(HOST_NETWORK_KINDS),
  vlan: z.catch(z.boolean(), false),
  problem: ifUnderstood(text()),
});

export const hypervisorReport = message<HypervisorReport>({
  problem: ifUnderstood(text()),
  libvirt: ifUnderstood(text()),
  qemu: ifUnderstood(text()),
  accelerator: ifUnderstood(z.enum(['kvm', 'tcg'])),
  acceleratorReason: ifUnderstood(text()),
  cpus: z.catch(whole(), 0),
  cpuSpeed: z.catch(whole(), 0),
  memory: z.catch(whole(), 0),
  firmware: understood(z.enum(BOOT_MODES)),
  networks: understood(hostNetwork),
});

const timing = (): Schema<VmTiming> => z.looseObject({}) as unknown as Schema<VmTiming>;

export const vmInput = messageToHandOn<VmInput>({ v: version(), vmId: uuid(), timing: timing() });
export const domainsInput = messageToHandOn<DomainsInput>({
  v: version(),
  ...runParameters,
  hostId: uuid(),
});
export const consoleLogInput = messageToHandOn<ConsoleLogInput>({
  v: version(),
  vmId: uuid(),
  hostId: uuid(),
  bytes: whole(0, MAX_LOG_BYTES),
});

const parameters = {
  forced: ifUnderstood(z.boolean()),
  expunge: ifUnderstood(z.boolean()),
  hostId: ifUnderstood(uuid()),
  start: ifUnderstood(z.boolean()),
  templateId: ifUnderstood(uuid()),
  size: ifUnderstood(whole()),
  diskOfferingId: ifUnderstood(uuid()),
  renew: ifUnderstood(z.boolean()),
  vmId: ifUnderstood(uuid()),
};

export const vmJobParameters = message<VmJobParameters>(parameters);
