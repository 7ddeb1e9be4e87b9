/** Whether each network that a host offers to guests (`BYPASS_NETWORKS`) can be used now. */
import { ImageError } from '../model/failures.ts';
import { LIBVIRT_WITH_VLAN_ON_BRIDGES } from '../model/vms.ts';
import type { HostNetwork } from '../model/vms.ts';
import type { NetworkSetting } from './hypervisor.ts';
import { findBridge } from './networks.ts';
import type { Virsh } from './virsh.ts';
import { parseXml } from './xml.ts';

export interface NetworkDeps {
  readonly virsh: Virsh;
  /** Version of libvirt, such as `9.0.0`. */
  readonly libvirt: string;
}

type Found = Pick<HostNetwork, 'vlan' | 'problem'>;

/** @throws ImageError when libvirt does not answer */
export const reportNetworks = (
  offered: readonly NetworkSetting[],
  deps: NetworkDeps,
): Promise<readonly HostNetwork[]> =>
  Promise.all(
    offered.map(async (network) => {
      const { name, kind } = network;
      return { name, kind, ...(await look(network, deps)) };
    }),
  );

function look({ kind, target = '' }: NetworkSetting, deps: NetworkDeps): Promise<Found> {
  if (kind === 'bridge') return lookAtBridge(target, deps);
  if (kind === 'libvirt') return lookAtNetwork(target, deps);
  return Promise.resolve({ vlan: false });
}

async function lookAtBridge(name: string, { libvirt }: NetworkDeps): Promise<Found> {
  const bridge = await findBridge(name);
  if (bridge === undefined) return { vlan: false, problem: `there is no bridge ${name} on this host` };
  const { type, vlan } = bridge;
  const libvirtCan = type === 'openvswitch' || Number.parseInt(libvirt, 10) >= LIBVIRT_WITH_VLAN_ON_BRIDGES;
  return { vlan: vlan && libvirtCan };
}

async function lookAtNetwork(network: string, { virsh }: NetworkDeps): Promise<Found> {
  try {
    const description = parseXml(await virsh.run(['net-dumpxml', network]));
    const ports = description.getElementsByTagName('virtualport');
    const vlan = ports.item(0)?.getAttribute('type') === 'openvswitch';
    const isActive = /^Active:\s+yes$/m.test(await virsh.run(['net-info', network]));
    if (isActive) return { vlan };
    return { vlan, problem: `libvirt's network ${network} is not active: virsh net-start ${network}` };
  } catch (error) {
    if (!(error instanceof ImageError && error.kind === 'NetworkMissing')) throw error;
    return { vlan: false, problem: `libvirt has no network ${network}` };
  }
}
