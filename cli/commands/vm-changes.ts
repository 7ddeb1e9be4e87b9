/** `bypass vm edit`, and tags of virtual machines. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { VirtualMachine } from '../../model/api-answers.ts';
import { collectList } from '../collect.ts';
import { verb } from '../command.ts';
import type { Session } from '../command.ts';
import type { Cli } from '../context.ts';
import { UsageError } from '../errors.ts';
import { findVm, findOffering } from '../vms/lookup.ts';
import { readUserData } from '../vms/user-data.ts';
import { parseMemory, wholeNumber } from '../whole-number.ts';
import { settle } from '../waiting.ts';

interface EditOptions {
  readonly name?: string;
  readonly displayName?: string;
  readonly group?: string;
  readonly userData?: string;
  readonly protect?: boolean;
  readonly offering?: string;
  readonly cpus?: number;
  readonly memory?: number;
  readonly key?: readonly string[];
}

export function vmChanges(parent: Command, cli: Cli): void {
  verb<[vm: string], EditOptions>(parent, cli, {
    usage: 'edit <vm>',
    summary: 'change the names, group, user data, size or SSH keys of a machine',
    example: 'vm edit web1 --offering large',
    options: [
      new Option('--name <name>', 'a new host name, from its next start on'),
      new Option('--display-name <text>', 'a new name for people'),
      new Option('--group <name>', 'the group that it belongs to; made when there is none'),
      new Option('--user-data <file>', 'for cloud-init, from its next start on'),
      new Option('--protect', 'it cannot be destroyed'),
      new Option('--no-protect', 'it can be destroyed'),
      new Option('--offering <offering>', 'other processors and memory; while it is stopped'),
      new Option('--cpus <number>', 'processors, where the offering leaves them to you').argParser(
        wholeNumber('--cpus', 'processors'),
      ),
      new Option('--memory <size>', 'such as 2G, where the offering leaves it to you').argParser(parseMemory),
      new Option('--key <keys>', 'other SSH key pairs; while it is stopped').argParser(collectList),
    ],
    run: async (session, [text], options) => {
      const vm = await findVm(session.api, text);
      const answer = await change(session, vm, options);
      session.out.done(`Changed ${vm.name}`, answer);
    },
  });
}

const given = (values: object): boolean => Object.values(values).some((value) => value !== undefined);

/** @returns the answer to the last call */
async function change(session: Session, vm: VirtualMachine, options: EditOptions): Promise<unknown> {
  const { api } = session;
  const { name, displayName, group, userData, protect, offering, cpus, memory, key } = options;
  const values = {
    name,
    displayname: displayName,
    group,
    userdata: userData === undefined ? undefined : await readUserData(userData),
    deleteprotection: protect,
  };
  const size = { 'details[0].cpuNumber': cpus, 'details[0].memory': memory };
  const isResized = offering !== undefined || given(size);
  if (!given(values) && !isResized && key === undefined) {
    throw new UsageError('give at least one thing to change; --help lists them');
  }
  const serviceofferingid =
    offering === undefined ? vm.serviceofferingid : (await findOffering(api, offering)).id;
  let answer: unknown;
  if (isResized) {
    answer = await api.call('changeServiceForVirtualMachine', { id: vm.id, serviceofferingid, ...size });
  }
  if (key !== undefined) {
    const started = await api.call<{ readonly jobid?: string }>('resetSSHKeyForVirtualMachine', {
      id: vm.id,
      keypairs: key.join(','),
    });
    answer = await settle(session, started);
  }
  return given(values) ? api.call('updateVirtualMachine', { id: vm.id, ...values }) : answer;
}
