/**
 * What a host reports of its hypervisor. A host without libvirt, or whose libvirt does not answer, reports why no virtual
 * machine can run there, and what would help; it downloads templates all the same.
 */
import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { describeFailure, ImageError } from '../model/failures.ts';
import type { ProgramReport } from '../model/payloads.ts';
import type { BootMode, HypervisorReport } from '../model/vms.ts';
import { tryGuest } from './accelerator.ts';
import { chooseAccelerator } from './accelerator-choice.ts';
import type { AcceleratorChooser } from './accelerator-choice.ts';
import type { ACCELERATORS, TryOne } from './accelerator.ts';
import type { NetworkSetting } from './hypervisor.ts';
import { reportNetworks } from './network-report.ts';
import type { Virsh } from './virsh.ts';
import { parseXml } from './xml.ts';

/** Programs that virtual machines need, beside QEMU itself, and Debian's packages of them. */
const NEEDED: Readonly<Record<string, string>> = { 'qemu-img': 'qemu-utils' };

export interface ReporterOptions {
  readonly virsh: Virsh;
  readonly hostId: string;
  readonly accelerator: (typeof ACCELERATORS)[number];
  readonly networks: readonly NetworkSetting[];
  /** Called with the reason whenever guests begin to run on TCG although the setting is auto. */
  readonly onTcg: (reason: string) => void;
  /** Ends trials of guests. */
  readonly signal: AbortSignal;
  /** Default: guests that libvirt starts. */
  readonly tryOne?: TryOne;
}

export interface Reporter extends Pick<AcceleratorChooser, 'accelerator'> {
  /** @param installed what the host has of the programs that it uses */
  report(installed: readonly ProgramReport[]): Promise<HypervisorReport>;
}

export function createReporter(options: ReporterOptions): Reporter {
  const { virsh, networks, hostId, signal, accelerator: setting, onTcg } = options;
  const {
    tryOne = (type, patienceMs) =>
      tryGuest(virsh, { hostId, type, signal, ...(patienceMs === undefined ? {} : { patienceMs }) }),
  } = options;
  const chooser = chooseAccelerator({ setting, tryOne, onTcg });
  return {
    accelerator: () => chooser.accelerator(),
    async report(installed) {
      const machine = { cpus: cpus().length, memory: totalmem() };
      try {
        const versions = readVersions(await virsh.run(['version', '--daemon']));
        const [cpuSpeed, firmware, offered, problem] = await Promise.all([
          speed(virsh),
          firmwareModes(virsh),
          reportNetworks(networks, { virsh, libvirt: versions.libvirt }),
          problemOf(options, installed),
        ]);
        // No report waits for guests that are tried.
        chooser.look();
        return {
          ...machine,
          ...versions,
          cpuSpeed,
          ...(problem === undefined ? {} : { problem }),
          ...chooser.known(),
          firmware,
          networks: offered,
        };
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        const problem = sentenceOf(error, virsh.uri);
        return { ...machine, cpuSpeed: 0, firmware: [], networks: [], problem };
      }
    },
  };
}

/** MHz. The current frequency changes all the time, so this is the highest one, where the kernel reports it. */
async function speed(virsh: Virsh): Promise<number> {
  const path = '/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq';
  const kilohertz = Number(await readFile(path, 'utf8').catch(() => '0'));
  if (kilohertz > 0) return Math.round(kilohertz / 1000);
  const [, megahertz] = /^CPU frequency:\s+(\d+) MHz$/m.exec(await virsh.run(['nodeinfo'])) ?? [];
  return Number(megahertz ?? 0);
}

/** @param text such as `Running hypervisor: QEMU 7.2.22`, `Running against daemon: 9.0.0` */
function readVersions(text: string): { readonly libvirt: string; readonly qemu: string } {
  const [, qemu = ''] = /^Running hypervisor: QEMU (\S+)$/m.exec(text) ?? [];
  const [, libvirt = ''] = /^Running against daemon: (\S+)$/m.exec(text) ?? [];
  return { libvirt, qemu };
}

const DESCRIBE = ['domcapabilities', '--arch', 'x86_64', '--machine', 'q35'] as const;

/** The modes of UEFI for which libvirt finds firmware on this host. */
async function firmwareModes(virsh: Virsh): Promise<readonly BootMode[]> {
  const capabilities = parseXml(await virsh.run([...DESCRIBE, '--virttype', 'qemu']));
  const choices = (name: string): readonly string[] =>
    [...capabilities.getElementsByTagName('enum')]
      .filter((element) => element.getAttribute('name') === name)
      .flatMap((element) =>
        [...element.getElementsByTagName('value')].map((value) => value.textContent ?? ''),
      );
  if (!choices('firmware').includes('efi')) return [];
  return choices('secure').includes('yes') ? ['LEGACY', 'SECURE'] : ['LEGACY'];
}

async function problemOf(
  { virsh, accelerator }: ReporterOptions,
  installed: readonly ProgramReport[],
): Promise<string | undefined> {
  const missing = installed.filter(
    ({ name, version }) => version === undefined && NEEDED[name] !== undefined,
  );
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(' and ');
    const packages = missing.map(({ name }) => NEEDED[name]).join(' ');
    return `${names} ${missing.length === 1 ? 'is' : 'are'} not installed: install ${packages}`;
  }
  if (accelerator !== 'kvm') return undefined;
  try {
    await virsh.run([...DESCRIBE, '--virttype', 'kvm']);
    return undefined;
  } catch (error) {
    if (!(error instanceof ImageError) || error.kind === 'HypervisorSilent') throw error;
    return `libvirt offers no KVM on this host, and BYPASS_VM_ACCELERATOR is kvm (${error.message})`;
  }
}

function sentenceOf(error: ImageError, uri: string): string {
  const { kind, message } = error;
  if (kind !== 'HypervisorSilent') return describeFailure(error.toFailure());
  return `${message}, at ${uri}: ${silentAdvice(message)}`;
}

function silentAdvice(message: string): string {
  if (/no such file/i.test(message)) return 'install libvirt-daemon-system, or start libvirtd';
  if (/permission denied|authenticat/i.test(message))
    return 'give the user of the host worker the group libvirt';
  return 'see whether libvirtd runs';
}
