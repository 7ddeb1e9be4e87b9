/** `bypass vm`: virtual machines: deploy, list, show, and what changes them. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { VirtualMachine, Volume } from '../../model/api-answers.ts';
import { bytesCell, timeCell } from '../cells.ts';
import { collectList } from '../collect.ts';
import { noun, verb } from '../command.ts';
import type { Session } from '../command.ts';
import type { Cli } from '../context.ts';
import { findHost, findImage, findZone } from '../lookup.ts';
import type { Column, TitledValue } from '../output.ts';
import { deployParameters } from '../vms/deploying.ts';
import type { DeployOptions } from '../vms/deploying.ts';
import { concludeVmJob } from '../vms/following.ts';
import type { StartedJob } from '../vms/following.ts';
import { findVm, listVms } from '../vms/lookup.ts';
import { addressesOf, isUnderWay, remarkOnVm, toneOf } from '../vms/progress.ts';
import { parseMemory, wholeNumber } from '../whole-number.ts';
import { vmChanges } from './vm-changes.ts';
import { vmLife } from './vm-life.ts';
import { vmLog } from './vm-log.ts';

interface ListOptions {
  readonly state?: string;
  readonly zone?: string;
  readonly host?: string;
  readonly template?: string;
  readonly keyword?: string;
}

export function vmCommands(program: Command, cli: Cli): void {
  const vm = noun(program, 'vm', 'virtual machines, deployed from templates and ISOs');

  verb<[name: string], DeployOptions>(vm, cli, {
    usage: 'deploy <name>',
    summary: 'make a virtual machine from a template or an ISO, and start it',
    example: 'vm deploy web1 --template debian-12 --offering small --key me --wait',
    options: deployOptions(),
    help:
      'The host that is chosen downloads the image itself, unless its pool has it already.\n' +
      'The name becomes the host name of the guest: letters, digits and hyphens.',
    run: async (session, [name], options) => {
      const parameters = await deployParameters(session.api, name, options);
      const started = await session.api.call<Required<StartedJob>>('deployVirtualMachine', parameters);
      const words = { begins: 'Deploying', again: `bypass vm start ${name}` };
      return concludeVmJob(session, { id: started.id, name }, started, words, options.wait === true);
    },
  });

  verb<[], ListOptions>(vm, cli, {
    usage: 'list',
    summary: 'list virtual machines',
    example: 'vm list --state Running',
    options: [
      new Option('--state <state>', 'Running, Stopped, Starting, Stopping, Destroyed, Expunging or Error'),
      new Option('--zone <zone>', 'only in this zone, by name or id'),
      new Option('--host <host>', 'only on this host, by name or id'),
      new Option('--template <template>', 'only of this template or ISO, by name or id'),
      new Option('--keyword <text>', 'only those with this in their name'),
    ],
    run: async (session, _args, options) => {
      const { api, out } = session;
      const { state, zone, host, template, keyword } = options;
      const rows = await listVms(api, {
        state,
        keyword,
        zoneid: zone === undefined ? undefined : (await findZone(api, zone)).id,
        hostid: host === undefined ? undefined : (await findHost(api, host)).id,
        templateid: template === undefined ? undefined : (await findImage(api, template)).id,
      });
      const isFiltered = Object.values(options).some((value) => typeof value === 'string');
      out.list({
        columns: COLUMNS,
        rows,
        none: isFiltered
          ? 'No virtual machine is like that. All of them: bypass vm list'
          : 'There is no virtual machine yet. Make one: bypass vm deploy NAME --template TEMPLATE --offering OFFERING',
      });
    },
  });

  verb<[vm: string], object>(vm, cli, {
    usage: 'show <vm>',
    summary: 'show a virtual machine: what it does, its disk and its network cards',
    example: 'vm show web1',
    run: async (session, [text]) => show(session, await findVm(session.api, text)),
  });

  vmLife(vm, cli);
  vmChanges(vm, cli);
  vmLog(vm, cli);
}

const deployOptions = (): readonly Option[] => [
  new Option('--template <template>', 'made from this template, by name or id'),
  new Option('--iso <iso>', 'with an empty disk, and this ISO to boot from, by name or id'),
  new Option('--offering <offering>', 'processors and memory, by name or id; default: the only one'),
  new Option(
    '--network <networks>',
    'one network card each, by name or id: several with commas, or repeated',
  ).argParser(collectList),
  new Option('--key <keys>', 'SSH key pairs that may log in: several with commas, or repeated').argParser(
    collectList,
  ),
  new Option('--user-data <file>', 'for cloud-init at the first boot'),
  new Option('--root-disk-size <gib>', 'GiB of its disk; default: as large as the image').argParser(
    wholeNumber('--root-disk-size', 'GiB'),
  ),
  new Option('--cpus <number>', 'processors, where the offering leaves them to you').argParser(
    wholeNumber('--cpus', 'processors'),
  ),
  new Option('--memory <size>', 'such as 2G, where the offering leaves it to you').argParser(parseMemory),
  new Option('--uefi <mode>', 'boot by UEFI; secure: with Secure Boot').choices(['legacy', 'secure']),
  new Option('--zone <zone>', 'name or id; default: the zone of the image'),
  new Option('--host <host>', 'on this host, by name or id; for administrators'),
  new Option('--display-name <text>', 'a name for people; default: its name'),
  new Option('--group <name>', 'the group that it belongs to; made when there is none'),
  new Option('--no-start', 'make it, and leave it stopped'),
  new Option('--wait', 'follow it until it runs; Ctrl-C stops waiting, and cancels nothing'),
];

const COLUMNS: readonly Column<VirtualMachine>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 3 },
  { title: 'STATE', value: ({ state }) => state, tone: toneOf },
  { title: 'DONE', value: percentOf, right: true, drop: 5 },
  { title: 'ADDRESS', value: addressesOf, drop: 8 },
  { title: 'TEMPLATE', value: ({ templatename }) => templatename, atLeast: 8, drop: 6 },
  { title: 'OFFERING', value: ({ serviceofferingname }) => serviceofferingname, atLeast: 8, drop: 4 },
  { title: 'HOST', value: ({ hostname }) => hostname, atLeast: 8, drop: 7 },
  { title: 'ACCOUNT', value: ({ account }) => account, drop: 2 },
  { title: 'CREATED', value: ({ created }) => timeCell(created), drop: 1 },
  { title: 'REMARK', value: remarkOnVm, atLeast: 14, drop: 9 },
];

function percentOf(vm: VirtualMachine): string {
  return vm.percent === undefined ? '' : `${vm.percent}%`;
}

async function show({ api, out }: Session, vm: VirtualMachine): Promise<void> {
  const volumes = await api.list<Volume>('listVolumes', 'volume', { virtualmachineid: vm.id, listall: true });
  const fields: readonly TitledValue[] = [
    { title: 'Name', value: vm.name, tone: 'strong' },
    { title: 'Id', value: vm.id },
    { title: 'Display name', value: vm.displayname === vm.name ? undefined : vm.displayname },
    { title: 'State', value: vm.state, tone: toneOf(vm) },
    {
      title: isUnderWay(vm) ? 'Now' : 'Problem',
      value: remarkOnVm(vm),
      tone: isUnderWay(vm) ? undefined : 'bad',
    },
    { title: 'Done', value: percentOf(vm) },
    { title: 'Host', value: vm.hostname },
    { title: vm.templateformat === 'ISO' ? 'From ISO' : 'Template', value: vm.templatename },
    { title: 'ISO', value: vm.isoname },
    { title: 'Offering', value: describeOffering(vm) },
    {
      title: 'Boot',
      value: vm.boottype?.toUpperCase() === 'UEFI' ? `UEFI, ${vm.bootmode ?? ''}` : undefined,
    },
    { title: 'SSH keys', value: vm.keypairs?.replaceAll(',', ', ') },
    { title: 'Group', value: vm.group },
    ...vm.nic.map((nic, at) => ({
      title: at === 0 ? 'Networks' : '',
      value: [nic.networkname, nic.macaddress, nic.ipaddress, nic.ip6address].filter(Boolean).join('  '),
    })),
    ...volumes.map((volume, at) => ({ title: at === 0 ? 'Disks' : '', value: describeVolume(volume) })),
    { title: 'Tags', value: vm.tags.map(({ key, value }) => `${key}=${value}`).join(', ') },
    { title: 'Protected', value: vm.deleteprotection ? 'yes: it cannot be destroyed' : undefined },
    { title: 'Zone', value: vm.zonename },
    { title: 'Account', value: vm.account },
    { title: 'Domain', value: vm.instancename },
    { title: 'Workflow', value: vm.workflowid },
    { title: 'Created', value: timeCell(vm.created) },
  ];
  out.item(fields, { ...vm, volume: volumes });
  if (vm.state === 'Error') out.remark(`Try again: bypass vm start ${vm.name}`);
}

const describeOffering = ({ serviceofferingname, cpunumber, memory }: VirtualMachine): string =>
  `${serviceofferingname} (${cpunumber} CPU, ${memory} MiB)`;

function describeVolume({ name, state, size, storage }: Volume): string {
  const where = storage === undefined ? '' : ` on ${storage}`;
  return `${name}: ${bytesCell(size)?.text ?? ''}${where}${state === 'Ready' ? '' : ` (${state})`}`;
}
