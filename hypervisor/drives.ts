/** The CD-ROM drive for ISOs: what is in it, and its change. */
import type { Element } from '@xmldom/xmldom';
import { ImageError } from '../model/failures.ts';
import type { DomainState } from '../model/vms.ts';
import { cdromXml, ISO_DEVICES } from './domain-drives.ts';
import { isActive } from './states.ts';
import { XML_INPUT } from './virsh.ts';
import type { Virsh } from './virsh.ts';
import { parseXml } from './xml.ts';

export interface IsoChange {
  readonly vmId: string;
  /** Path of the ISO; absent: takes it out. */
  readonly iso?: string;
  /** Also when the guest has locked the drive. */
  readonly forced: boolean;
  readonly state: DomainState;
}

/** @throws ImageError MediumLocked; DomainFailed when the domain has no such drive */
export async function changeIso(virsh: Virsh, { vmId, iso, forced, state }: IsoChange): Promise<void> {
  const drive = isoDrive(parseXml(await virsh.run(['dumpxml', vmId])));
  if (drive === undefined)
    throw new ImageError(
      'DomainFailed',
      'the domain has no CD-ROM drive of Bypass: another program changed it',
    );
  const live = isActive(state) ? ['--live'] : [];
  const force = forced ? ['--force'] : [];
  const change = ['update-device', vmId, XML_INPUT, ...live, '--config', ...force];
  await virsh.run(change, { xml: cdromXml({ ...drive, iso }) });
}

interface Drive {
  readonly device: string;
  readonly bus: string;
  readonly bootOrder: number | undefined;
}

function isoDrive(domain: Element): Drive | undefined {
  for (const disk of domain.getElementsByTagName('disk')) {
    const target = disk.getElementsByTagName('target')[0];
    const device = target?.getAttribute('dev') ?? '';
    if (!ISO_DEVICES.includes(device)) continue;
    const order = disk.getElementsByTagName('boot')[0]?.getAttribute('order');
    const bootOrder = order == null ? undefined : Number(order);
    return { device, bus: target?.getAttribute('bus') ?? '', bootOrder };
  }
  return undefined;
}
