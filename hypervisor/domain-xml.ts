/**
 * The XML of a domain. Every format is explicit, and the chain of backing files ends explicitly, so that neither libvirt nor
 * QEMU guesses anything from what a guest wrote. What stands on a published image, or shows it as CD-ROM, has a label that
 * keeps libvirt from changing the owner of that file.
 *
 * Nothing here is text of a user: ids, names and addresses were read by the schema of the job, and a detail chooses among
 * words that are written here.
 */
import { processor } from './accelerator.ts';
import { isoDrive, rootDisk, seedDrive } from './domain-drives.ts';
import { chosen, CPU_PERIOD } from './domain-plan.ts';
import type { DomainPlan, NicPlan } from './domain-plan.ts';
import { node, toXml } from './xml.ts';
import type { XmlNode } from './xml.ts';

/** Namespace of the metadata by which a host knows its machines. */
export const METADATA_NAMESPACE = 'urn:x-bypass:vm:1';

export const domainXml = (plan: DomainPlan): string =>
  toXml(
    node(
      'domain',
      { type: typeOf(plan) },
      node('name', {}, plan.instanceName),
      node('uuid', {}, plan.vmId),
      metadata(plan),
      node('memory', { unit: 'MiB' }, plan.memory),
      node('vcpu', { placement: 'static' }, plan.cpus),
      cpuTune(plan),
      operatingSystem(plan),
      features(plan),
      processor(typeOf(plan)),
      node('clock', { offset: 'utc' }, node('timer', { name: 'rtc', tickpolicy: 'catchup' })),
      node('on_poweroff', {}, 'destroy'),
      node('on_reboot', {}, 'restart'),
      node('on_crash', {}, 'destroy'),
      devices(plan),
    ),
  );

const typeOf = ({ accelerator }: DomainPlan): 'kvm' | 'qemu' => (accelerator === 'kvm' ? 'kvm' : 'qemu');

const metadata = ({ vmId, hostId, zoneId, accountId, poolId }: DomainPlan): XmlNode =>
  node(
    'metadata',
    {},
    node('bypass:vm', {
      'xmlns:bypass': METADATA_NAMESPACE,
      id: vmId,
      host: hostId,
      zone: zoneId,
      account: accountId,
      pool: poolId,
    }),
  );

function cpuTune({ cpuShares, cpuQuota }: DomainPlan): XmlNode | undefined {
  if (cpuShares === undefined && cpuQuota === undefined) return undefined;
  return node(
    'cputune',
    {},
    cpuShares !== undefined && node('shares', {}, cpuShares),
    cpuQuota !== undefined && node('period', {}, CPU_PERIOD),
    cpuQuota !== undefined && node('quota', {}, cpuQuota),
  );
}

function operatingSystem({ uefi, firmwareVariables }: DomainPlan): XmlNode {
  const type = node('type', { arch: 'x86_64', machine: uefi === undefined ? 'pc' : 'q35' }, 'hvm');
  if (uefi === undefined) return node('os', {}, type);
  const enabled = uefi === 'SECURE' ? 'yes' : 'no';
  return node(
    'os',
    { firmware: 'efi' },
    type,
    node(
      'firmware',
      {},
      node('feature', { enabled, name: 'enrolled-keys' }),
      node('feature', { enabled, name: 'secure-boot' }),
    ),
    node('nvram', {}, firmwareVariables),
  );
}

const features = ({ uefi }: DomainPlan): XmlNode =>
  node('features', {}, node('acpi'), node('apic'), uefi === 'SECURE' && node('smm', { state: 'on' }));

const devices = (plan: DomainPlan): XmlNode =>
  node(
    'devices',
    {},
    rootDisk(plan),
    isoDrive(plan),
    seedDrive(plan),
    ...plan.nics.map((nic) => networkCard(nic, plan)),
    serialPort(plan),
    node('console', { type: 'pty' }, node('target', { type: 'serial', port: 0 })),
    node('channel', { type: 'unix' }, node('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' })),
    node('input', { type: 'tablet', bus: 'usb' }),
    graphics(plan),
    node('video', {}, node('model', { type: chosen(VIDEOS, plan.details['video.hardware'], 'vga') })),
    node('memballoon', { model: 'virtio' }),
    node('rng', { model: 'virtio' }, node('backend', { model: 'random' }, '/dev/urandom')),
    node('panic', { model: 'isa' }),
  );

const NIC_MODELS = {
  virtio: 'virtio',
  e1000: 'e1000',
  e1000e: 'e1000e',
  rtl8139: 'rtl8139',
  vmxnet3: 'vmxnet3',
} as const;

/** libvirt counts bandwidth in units of 1024 bytes a second. */
const KIBIBYTES_OF_MEGABIT = 1e6 / 8 / 1024;

function networkCard({ mac, connection, rate }: NicPlan, { details }: DomainPlan): XmlNode {
  const average = rate === undefined ? 0 : Math.max(1, Math.round(rate * KIBIBYTES_OF_MEGABIT));
  const { kind } = connection;
  return node(
    'interface',
    { type: kind === 'libvirt' ? 'network' : kind },
    node('mac', { address: mac }),
    kind === 'bridge' && node('source', { bridge: connection.bridge }),
    kind === 'libvirt' && node('source', { network: connection.network }),
    kind === 'bridge' && connection.openvswitch && node('virtualport', { type: 'openvswitch' }),
    kind !== 'user' &&
      connection.vlan !== undefined &&
      node('vlan', {}, node('tag', { id: connection.vlan })),
    node('model', { type: chosen(NIC_MODELS, details['nicAdapter'], 'virtio') }),
    kind !== 'user' &&
      average > 0 &&
      node('bandwidth', {}, node('inbound', { average }), node('outbound', { average })),
    // No guest boots from a network, so QEMU needs no boot ROM of the card.
    node('rom', { enabled: 'no' }),
  );
}

/** A terminal of the host, whose output libvirt's virtlogd also writes into a log of limited size. */
const serialPort = ({ consoleLog }: DomainPlan): XmlNode =>
  node(
    'serial',
    { type: 'pty' },
    node('log', { file: consoleLog, append: 'on' }),
    node('target', { type: 'isa-serial', port: 0 }),
  );

/** The protocol knows 8 characters. */
const VNC_PASSWORD_LENGTH = 8;

function graphics({ vncPassword, details }: DomainPlan): XmlNode {
  const address = '127.0.0.1';
  return node(
    'graphics',
    {
      type: 'vnc',
      autoport: 'yes',
      listen: address,
      passwd: vncPassword.slice(0, VNC_PASSWORD_LENGTH),
      keymap: chosen<string | undefined>(KEYMAPS, details['keyboard'], undefined),
    },
    node('listen', { type: 'address', address }),
  );
}

const VIDEOS = { vga: 'vga', cirrus: 'cirrus', virtio: 'virtio', qxl: 'qxl', bochs: 'bochs' } as const;

/** CloudStack's words for keyboards, and QEMU's. */
const KEYMAPS: Readonly<Record<string, string>> = {
  us: 'en-us',
  uk: 'en-gb',
  jp: 'ja',
  sc: 'de-ch',
  de: 'de',
  fr: 'fr',
  es: 'es',
  it: 'it',
  pt: 'pt',
  'pt-br': 'pt-br',
  'no-bokmal': 'no',
  fi: 'fi',
};
