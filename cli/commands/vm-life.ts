/** The verbs that begin a job of a virtual machine: start, stop, reboot, destroy, expunge, restore, ISOs; and recover. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { VirtualMachine } from '../../model/api-answers.ts';
import type { Parameters } from '../client.ts';
import { verb } from '../command.ts';
import type { Session } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import type { Cli } from '../context.ts';
import type { ExitCode } from '../errors.ts';
import { ISO, TEMPLATE } from '../images.ts';
import { findHost, findImage } from '../lookup.ts';
import { concludeVmJob } from '../vms/following.ts';
import type { JobWords, StartedJob } from '../vms/following.ts';
import { findVm } from '../vms/lookup.ts';
import { wholeNumber } from '../whole-number.ts';

interface WaitOption {
  readonly wait?: true;
}

interface RestoreOptions {
  readonly template?: string;
  readonly rootDiskSize?: number;
}

const waitOption = (): Option =>
  new Option('--wait', 'follow it to its end; Ctrl-C stops waiting, and cancels nothing');
const forceOption = (meaning: string): Option => new Option('--force', meaning);

async function begin(
  session: Session,
  vm: VirtualMachine,
  { wait }: WaitOption,
  command: string,
  parameters: Parameters,
  words: JobWords,
): Promise<ExitCode> {
  const started = await session.api.call<StartedJob>(command, parameters);
  return concludeVmJob(session, vm, started, words, wait === true);
}

export function vmLife(parent: Command, cli: Cli): void {
  verb<[vm: string], { readonly host?: string } & WaitOption>(parent, cli, {
    usage: 'start <vm>',
    summary: 'start a machine that is stopped, or whose deployment failed',
    example: 'vm start web1 --wait',
    options: [new Option('--host <host>', 'on this host, by name or id; for administrators'), waitOption()],
    run: async (session, [text], options) => {
      const vm = await findVm(session.api, text);
      const { host } = options;
      const hostid = host === undefined ? undefined : (await findHost(session.api, host)).id;
      return begin(
        session,
        vm,
        options,
        'startVirtualMachine',
        { id: vm.id, hostid },
        {
          begins: 'Starting',
          again: `bypass vm start ${vm.name}`,
        },
      );
    },
  });

  verb<[vm: string], { readonly force?: true } & WaitOption>(parent, cli, {
    usage: 'stop <vm>',
    summary: 'shut a machine down; also ends a deployment or a start under way',
    example: 'vm stop web1 --wait',
    options: [forceOption('at once, without the consent of the guest'), waitOption()],
    run: async (session, [text], options) => {
      const vm = await findVm(session.api, text);
      const parameters = { id: vm.id, forced: options.force };
      return begin(session, vm, options, 'stopVirtualMachine', parameters, { begins: 'Stopping' });
    },
  });

  verb<[vm: string], { readonly force?: true } & WaitOption>(parent, cli, {
    usage: 'reboot <vm>',
    summary: 'restart the guest of a machine that runs',
    example: 'vm reboot web1',
    options: [forceOption('stop it at once, then start it'), waitOption()],
    run: async (session, [text], options) => {
      const vm = await findVm(session.api, text);
      const parameters = { id: vm.id, forced: options.force };
      return begin(session, vm, options, 'rebootVirtualMachine', parameters, { begins: 'Rebooting' });
    },
  });

  verb<[vm: string], { readonly expunge?: true } & WaitOption & YesOption>(parent, cli, {
    usage: 'destroy <vm>',
    summary: 'stop a machine and destroy it; until it is expunged, `recover` brings it back',
    example: 'vm destroy web1 --expunge --yes',
    options: [new Option('--expunge', 'remove its disk at once'), waitOption(), yesOption()],
    run: async (session, [text], options) => {
      const vm = await findVm(session.api, text);
      const lost = options.expunge === true ? ' and its disk, for good' : '';
      await confirm(session, `Destroy virtual machine ${vm.name}${lost}?`, options);
      const parameters = { id: vm.id, expunge: options.expunge };
      return begin(session, vm, options, 'destroyVirtualMachine', parameters, { begins: 'Destroying' });
    },
  });

  verb<[vm: string], WaitOption & YesOption>(parent, cli, {
    usage: 'expunge <vm>',
    summary: 'remove a destroyed machine and its disk for good',
    example: 'vm expunge web1 --yes',
    options: [waitOption(), yesOption()],
    run: async (session, [text], options) => {
      const vm = await findVm(session.api, text);
      await confirm(session, `Remove virtual machine ${vm.name} and its disk, for good?`, options);
      return begin(session, vm, options, 'expungeVirtualMachine', { id: vm.id }, { begins: 'Expunging' });
    },
  });

  verb<[vm: string], object>(parent, cli, {
    usage: 'recover <vm>',
    summary: 'bring a destroyed machine back, stopped',
    example: 'vm recover web1',
    run: async (session, [text]) => {
      const vm = await findVm(session.api, text);
      const answer = await session.api.call('recoverVirtualMachine', { id: vm.id });
      session.out.done(`Recovered ${vm.name}, which is stopped`, answer);
      session.out.remark(`Start it: bypass vm start ${vm.name}`);
    },
  });

  verb<[vm: string], RestoreOptions & WaitOption & YesOption>(parent, cli, {
    usage: 'restore <vm>',
    summary: 'give a machine a new disk from its template, or another one; what it wrote is lost',
    example: 'vm restore web1 --template debian-13 --yes',
    options: [
      new Option('--template <template>', 'from this template, by name or id'),
      new Option('--root-disk-size <gib>', 'GiB of the new disk; default: as large as the old one').argParser(
        wholeNumber('--root-disk-size', 'GiB'),
      ),
      waitOption(),
      yesOption(),
    ],
    run: async (session, [text], options) => {
      const vm = await findVm(session.api, text);
      const image =
        options.template === undefined
          ? undefined
          : await findImage(session.api, options.template, [TEMPLATE]);
      const from = image?.name ?? vm.templatename;
      await confirm(session, `Replace the disk of ${vm.name} by a new one from ${from}?`, options);
      const parameters = {
        virtualmachineid: vm.id,
        templateid: image?.id,
        rootdisksize: options.rootDiskSize,
      };
      return begin(session, vm, options, 'restoreVirtualMachine', parameters, { begins: 'Restoring' });
    },
  });

  verb<[vm: string, iso: string], WaitOption>(parent, cli, {
    usage: 'attach-iso <vm> <iso>',
    summary: 'put an ISO into the CD-ROM drive of a machine; its host downloads it first, where needed',
    example: 'vm attach-iso web1 rescue --wait',
    options: [waitOption()],
    run: async (session, [text, isoText], options) => {
      const vm = await findVm(session.api, text);
      const iso = await findImage(session.api, isoText, [ISO]);
      const parameters = { id: iso.id, virtualmachineid: vm.id };
      return begin(session, vm, options, 'attachIso', parameters, {
        begins: `Attaching ${iso.name} to`,
      });
    },
  });

  verb<[vm: string], { readonly force?: true } & WaitOption>(parent, cli, {
    usage: 'detach-iso <vm>',
    summary: 'take the ISO out of the CD-ROM drive of a machine',
    example: 'vm detach-iso web1',
    options: [forceOption('although the guest locks the drive'), waitOption()],
    run: async (session, [text], options) => {
      const vm = await findVm(session.api, text);
      const parameters = { virtualmachineid: vm.id, forced: options.force };
      return begin(session, vm, options, 'detachIso', parameters, { begins: 'Detaching the ISO of' });
    },
  });
}
