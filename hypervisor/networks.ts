/** Networks that a host offers by a name, and how a guest is connected to them. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '../model/failures.ts';
import { errnoOf } from '../platform/errno.ts';
import type { NetworkSetting } from './hypervisor.ts';

export type Connection =
  | { readonly kind: 'user' }
  | { readonly kind: 'libvirt'; readonly network: string; readonly vlan?: number }
  | {
      readonly kind: 'bridge';
      readonly bridge: string;
      readonly openvswitch: boolean;
      readonly vlan?: number;
    };

export interface Bridge {
  /** Linux's own bridge, or one of Open vSwitch. */
  readonly type: 'linux' | 'openvswitch';
  /** Whether it can give guests a VLAN tag. */
  readonly vlan: boolean;
}

const INTERFACES = '/sys/class/net';
/** Linux allows 15 characters; a slash or a leading dot would leave the folder. */
const INTERFACE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/;

/** @returns undefined when the host has no such bridge */
export async function findBridge(name: string): Promise<Bridge | undefined> {
  if (!INTERFACE_NAME.test(name) || !(await exists(join(INTERFACES, name)))) return undefined;
  const settings = join(INTERFACES, name, 'bridge');
  if (!(await exists(settings))) {
    // Bridges of Open vSwitch are interfaces like others; where it runs, there is this one.
    const runs = await exists(join(INTERFACES, 'ovs-system'));
    return runs ? { type: 'openvswitch', vlan: true } : undefined;
  }
  const filtering = await readFile(join(settings, 'vlan_filtering'), 'utf8').catch(() => '0');
  return { type: 'linux', vlan: filtering.trim() === '1' };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * How a guest gets onto a network.
 * @throws ImageError NetworkMissing with a sentence that says what this host lacks
 */
export async function connect(
  offered: readonly NetworkSetting[],
  { network, vlan }: { readonly network: string; readonly vlan?: number },
): Promise<Connection> {
  const setting = offered.find(({ name }) => name === network);
  if (setting === undefined) throw missing(`this host does not offer the network ${network}`);
  const { kind, target = '' } = setting;
  const tag = vlan === undefined ? {} : { vlan };
  if (kind === 'libvirt') return { kind, network: target, ...tag };
  if (kind === 'user') {
    if (vlan !== undefined) throw missing(`the network ${network} of this host knows no VLAN`);
    return { kind };
  }
  const bridge = await findBridge(target);
  if (bridge === undefined)
    throw missing(`the bridge ${target} of the network ${network} does not exist on this host`);
  if (vlan !== undefined && !bridge.vlan)
    throw missing(`the bridge ${target} of the network ${network} gives no VLAN tags on this host`);
  return { kind, bridge: target, openvswitch: bridge.type === 'openvswitch', ...tag };
}

const missing = (sentence: string): ImageError => new ImageError('NetworkMissing', sentence);
