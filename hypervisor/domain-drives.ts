/** The drives of a domain: its root disk, the CD-ROM drive of the ISO, and that of the first boot data. */
import { chosen } from './domain-plan.ts';
import type { DomainPlan } from './domain-plan.ts';
import { node, toXml } from './xml.ts';
import type { XmlNode } from './xml.ts';

interface Bus {
  readonly bus: string;
  readonly device: string;
}

const VIRTIO: Bus = { bus: 'virtio', device: 'vda' };
const SATA: Bus = { bus: 'sata', device: 'sda' };
const SCSI: Bus = { bus: 'scsi', device: 'sda' };

/** Values of the detail rootDiskController. */
const CONTROLLERS: Readonly<Record<string, Bus>> = {
  virtio: VIRTIO,
  osdefault: VIRTIO,
  scsi: SCSI,
  'virtio-scsi': SCSI,
  sata: SATA,
  ide: { bus: 'ide', device: 'hda' },
};

/** The machine q35 has no IDE. */
function rootBus({ details, uefi }: DomainPlan): Bus {
  const found = chosen(CONTROLLERS, details['rootDiskController'], VIRTIO);
  return found.bus === 'ide' && uefi !== undefined ? SATA : found;
}

export function rootDisk(plan: DomainPlan): XmlNode {
  const { disk, bootFromIso } = plan;
  const { bus, device } = rootBus(plan);
  return node(
    'disk',
    { type: 'file', device: 'disk' },
    node('driver', {
      name: 'qemu',
      type: 'qcow2',
      cache: disk.cache,
      discard: 'unmap',
      // A full pool pauses the guest, which goes on when there is room; all other errors reach the guest.
      error_policy: 'enospace',
      rerror_policy: 'report',
    }),
    node('source', { file: disk.path }),
    disk.backing === undefined
      ? node('backingStore')
      : node(
          'backingStore',
          { type: 'file' },
          node('format', { type: disk.backing.format }),
          publishedImage(disk.backing.path),
          node('backingStore'),
        ),
    node('target', { dev: device, bus }),
    // Guests see at most 20 characters.
    node('serial', {}, disk.volumeId.replaceAll('-', '').slice(0, 20)),
    node('boot', { order: bootFromIso ? 2 : 1 }),
  );
}

const publishedImage = (path: string): XmlNode =>
  node('source', { file: path }, node('seclabel', { model: 'dac', relabel: 'no' }));

interface Drive {
  readonly iso?: string | undefined;
  readonly target: Bus;
  readonly bootOrder?: number | undefined;
}

/**
 * The drive of the ISO comes first: cloud-init looks through drives from the last to the first, so that an ISO labelled as a
 * seed does not hide the seed.
 */
const isoTarget = (plan: Pick<DomainPlan, 'uefi'>): Bus => opticalTarget(plan.uefi, 'c');

const opticalTarget = (uefi: DomainPlan['uefi'], letter: 'c' | 'd'): Bus =>
  uefi === undefined ? { bus: 'ide', device: `hd${letter}` } : { bus: 'sata', device: `sd${letter}` };

const cdrom = ({ iso, target: { bus, device }, bootOrder }: Drive): XmlNode =>
  node(
    'disk',
    { type: 'file', device: 'cdrom' },
    node('driver', { name: 'qemu', type: 'raw' }),
    iso !== undefined && publishedImage(iso),
    iso !== undefined && node('backingStore'),
    node('target', { dev: device, bus }),
    node('readonly'),
    bootOrder !== undefined && node('boot', { order: bootOrder }),
  );

/** Devices that the drive of the ISO can be. */
export const ISO_DEVICES: readonly string[] = ['hdc', 'sdc'];

/** The CD-ROM drive as a change of it has it: only the disc may differ from what the domain has. */
export const cdromXml = ({ iso, bootOrder, ...target }: Bus & Omit<Drive, 'target'>): string =>
  toXml(cdrom({ iso, target, bootOrder }));

/** libvirt gives the seed to QEMU's user. */
export function seedDrive({ seed, uefi }: DomainPlan): XmlNode {
  const { bus, device } = opticalTarget(uefi, 'd');
  return node(
    'disk',
    { type: 'file', device: 'cdrom' },
    node('driver', { name: 'qemu', type: 'raw' }),
    node('source', { file: seed }),
    node('backingStore'),
    node('target', { dev: device, bus }),
    node('readonly'),
  );
}

export const isoDrive = (plan: DomainPlan): XmlNode =>
  cdrom({ ...plan, target: isoTarget(plan), bootOrder: plan.bootFromIso ? 1 : 2 });
