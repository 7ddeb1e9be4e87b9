/**
 * The list of a host's machines: state, reason, addresses. Starting a program takes a busy host much longer than what virsh does
 * in it, so one virsh lists all domains, and one reads the definitions of those that are new. The metadata of a new domain,
 * which are read once, say whether it is a machine of Bypass. Addresses come from tables that hold those of all guests (ARP,
 * leases of libvirt's networks), and for the few guests that are in none, from the guest agent, if one is connected.
 *
 * A machine that QEMU paused, since its pool was full, goes on when there is room again. Each listing resumes it, unless
 * it paused again after the last time and no room was freed since.
 */
import { readFile } from 'node:fs/promises';
import type { Element } from '@xmldom/xmldom';
import type { DomainReport, NicAddresses } from '../model/vms.ts';
import { isUuid } from '../images/uuid.ts';
import { METADATA_NAMESPACE } from './domain-xml.ts';
import { isAbsent } from './errors.ts';
import type { HypervisorOptions } from './hypervisor.ts';
import { stateOf } from './states.ts';
import type { FoundState } from './states.ts';
import { MAX_COMMANDS } from './virsh.ts';
import { parseXml } from './xml.ts';

type Options = Pick<HypervisorOptions, 'virsh' | 'hostId' | 'networks' | 'pools'>;

interface Known {
  /** Id of the host that defined it; undefined: it is no machine of Bypass. */
  readonly host: string | undefined;
  readonly pool: string;
  readonly macs: readonly string[];
  readonly hasAgent: boolean;
}

const AGENT_TIMEOUT_MS = 5000;
/** How many guests without an address one listing asks through their agents. */
const MAX_AGENTS = 10;
/** Bytes on a pool with which a paused machine can go on for a while. */
const ROOM_TO_RESUME = 256 * 1024 * 1024;
const FULL = 'I/O error: no space is left on the pool; the machine goes on when 256 MiB are free there';

export interface DomainList {
  /** @throws ImageError when libvirt does not answer */
  read(): Promise<readonly DomainReport[]>;
  /** Whether a domain is a machine of this host. @throws ImageError DomainAbsent */
  isOurs(vmId: string): Promise<boolean>;
  /** Whether a domain is a machine of another host that uses the same libvirt. @throws ImageError DomainAbsent */
  isOfOtherHost(vmId: string): Promise<boolean>;
  /** Makes the next listing read the metadata of the domain again: it was redefined, or is gone. */
  forget(vmId: string): void;
}

export function createDomainList(options: Options): DomainList {
  const { virsh, hostId, pools } = options;
  const known = new Map<string, Known>();
  /** Machine → the fewest bytes that were seen free since it was resumed last. */
  const leastFree = new Map<string, number>();
  let nextAgent = 0;

  const knownOf = async (vmId: string): Promise<Known> => {
    const found = known.get(vmId) ?? knownFrom(await virsh.run(['dumpxml', vmId]));
    known.set(vmId, found);
    return found;
  };

  const readNew = async (all: readonly Listed[]): Promise<void> => {
    const fresh = all.map(({ vmId }) => vmId).filter((vmId) => !known.has(vmId));
    for (const [vmId, xml] of await definitionsOf(virsh, fresh)) known.set(vmId, knownFrom(xml));
  };

  const ours = async (all: readonly Listed[]): Promise<readonly (Listed & Known)[]> => {
    await readNew(all);
    const found = all.flatMap((one) => {
      const about = known.get(one.vmId);
      return about?.host === hostId ? [{ ...one, ...about }] : [];
    });
    for (const map of [known, leastFree])
      for (const vmId of map.keys()) if (!all.some((one) => one.vmId === vmId)) map.delete(vmId);
    return found;
  };

  const freeOn = async (poolId: string): Promise<number> => {
    try {
      return (await (await pools.require(poolId)).report()).free;
    } catch {
      // The machine stays paused while its pool is not there.
      return 0;
    }
  };

  /** Resumes a machine, unless that would be in vain. @returns why it stays paused */
  const resume = async (vmId: string, free: number): Promise<string | undefined> => {
    const least = Math.min(leastFree.get(vmId) ?? 0, free);
    leastFree.set(vmId, least);
    if (free < ROOM_TO_RESUME || free <= least) return FULL;
    leastFree.set(vmId, free);
    await virsh.run(['resume', vmId]);
    return undefined;
  };

  /** Why a machine stays paused whose disk fails; undefined: it goes on. A machine that cannot go on hides no other one. */
  const ioReason = async ({ vmId, pool }: Listed & Known): Promise<string | undefined> => {
    try {
      const isFull = /no space/i.test(await virsh.run(['domblkerror', vmId]));
      if (!isFull) return 'I/O error: the pool gives input/output errors';
      return await resume(vmId, await freeOn(pool));
    } catch (error) {
      return `I/O error: the machine cannot go on: ${(error as Error).message}`;
    }
  };

  const reportOf = async (
    domain: Listed & Known,
    addresses: ReadonlyMap<string, NicAddresses>,
  ): Promise<DomainReport> => {
    const { vmId, state, why, macs } = domain;
    const found = macs.flatMap((mac) => addresses.get(mac) ?? []);
    const about = { vmId, ...(state === 'running' && found.length > 0 ? { addresses: found } : {}) };
    if (state === 'running') return { ...about, state };
    if (why === 'io error') {
      const reason = await ioReason(domain);
      return reason === undefined ? { ...about, state: 'running' } : { ...about, state, reason };
    }
    return { ...about, state, ...(why === undefined ? {} : { reason: why }) };
  };

  /** Asks some of the guests that no table knows, others at each listing. */
  const askAgents = async (domains: readonly (Listed & Known)[]): Promise<readonly NicAddresses[]> => {
    const asked = rotated(domains, nextAgent).slice(0, MAX_AGENTS);
    nextAgent = domains.length === 0 ? 0 : (nextAgent + asked.length) % domains.length;
    const definitions = await definitionsOf(
      virsh,
      asked.map(({ vmId }) => vmId),
    );
    const answers = await Promise.all(
      [...definitions]
        .filter(([, xml]) => AGENT_CONNECTED.test(xml))
        .map(([vmId]) =>
          virsh
            .run(['domifaddr', vmId, '--source', 'agent', '--full'], { timeoutMs: AGENT_TIMEOUT_MS })
            // A guest without an agent is no fault.
            .catch(() => ''),
        ),
    );
    return answers.flatMap(addressesFromTable);
  };

  return {
    async read() {
      const domains = await ours(await listAll(virsh));
      const running = domains.filter(({ state }) => state === 'running');
      const addresses = running.length === 0 ? new Map<string, NicAddresses>() : await readTables(options);
      const unknown = running.filter(
        ({ macs, hasAgent }) => hasAgent && !macs.some((mac) => addresses.has(mac)),
      );
      for (const one of await askAgents(unknown)) merge(addresses, one);
      return Promise.all(domains.map((domain) => reportOf(domain, addresses)));
    },
    isOurs: async (vmId) => (await knownOf(vmId)).host === hostId,
    async isOfOtherHost(vmId) {
      const { host } = await knownOf(vmId);
      return host !== undefined && host !== hostId;
    },
    forget: (vmId) => void known.delete(vmId),
  };
}

/** The channel of the guest agent in the definition of a running guest that has opened it. */
const AGENT_CONNECTED = /<target [^>]*name='org\.qemu\.guest_agent\.0' state='connected'/;

/** By id, of those that libvirt has still. */
export async function definitionsOf(
  virsh: Options['virsh'],
  vmIds: readonly string[],
  options: readonly string[] = [],
): Promise<ReadonlyMap<string, string>> {
  const definitions = new Map<string, string>();
  for (let start = 0; start < vmIds.length; start += MAX_COMMANDS) {
    const some = vmIds.slice(start, start + MAX_COMMANDS);
    const answers = await virsh.runEach(some.map((vmId) => ['dumpxml', vmId, ...options]));
    for (const [index, vmId] of some.entries()) {
      const answer = answers[index];
      if (typeof answer === 'string') definitions.set(vmId, answer.trim());
      else if (!isAbsent(answer)) throw answer;
    }
  }
  return definitions;
}

const rotated = <T>(list: readonly T[], by: number): readonly T[] => [
  ...list.slice(by),
  ...list.slice(0, by),
];

function knownFrom(xml: string): Known {
  const domain = parseXml(xml);
  const [machine] = elements(domain.getElementsByTagNameNS(METADATA_NAMESPACE, 'vm'));
  const targets = elements(domain.getElementsByTagName('target'));
  return {
    host: machine?.getAttribute('host') ?? undefined,
    pool: machine?.getAttribute('pool') ?? '',
    macs: elements(domain.getElementsByTagName('mac')).map(
      (mac) => mac.getAttribute('address')?.toLowerCase() ?? '',
    ),
    hasAgent: targets.some((target) => target.getAttribute('name') === 'org.qemu.guest_agent.0'),
  };
}

const elements = (list: Iterable<Element>): readonly Element[] => [...list];

interface Listed extends FoundState {
  readonly vmId: string;
}

async function listAll(virsh: Options['virsh']): Promise<readonly Listed[]> {
  const [list = '', stats = ''] = await virsh.runAll([
    ['list', '--all', '--uuid', '--name'],
    ['domstats', '--state'],
  ]);
  const states = statesByName(stats);
  return list.split('\n').flatMap((line) => {
    const [vmId = '', name = ''] = line.trim().split(/\s+/);
    const state = states.get(name);
    // Only one of the two calls has seen the domain: the next listing has both.
    return isUuid(vmId) && state !== undefined ? [{ vmId, ...state }] : [];
  });
}

function statesByName(stats: string): ReadonlyMap<string, FoundState> {
  const states = new Map<string, FoundState>();
  for (const part of stats.split(/^Domain: '/m).slice(1)) {
    const name = part.slice(0, part.indexOf("'"));
    const [, state = '0'] = /state\.state=(\d+)/.exec(part) ?? [];
    const [, reason = '0'] = /state\.reason=(\d+)/.exec(part) ?? [];
    states.set(name, stateOf(Number(state), Number(reason)));
  }
  return states;
}

async function readTables({ virsh, networks }: Options): Promise<Map<string, NicAddresses>> {
  const addresses = new Map<string, NicAddresses>();
  const libvirt = networks.filter(({ kind }) => kind === 'libvirt').map(({ target = '' }) => target);
  const leases = await Promise.all(
    // A network that is not there has no leases.
    [...new Set(libvirt)].map((network) => virsh.run(['net-dhcp-leases', network]).catch(() => '')),
  );
  for (const one of [...arpAddresses(await readArp()), ...leases.flatMap(addressesFromTable)])
    merge(addresses, one);
  return addresses;
}

const readArp = (): Promise<string> => readFile('/proc/net/arp', 'utf8').catch(() => '');

const MAC = '[0-9a-f]{2}(?::[0-9a-f]{2}){5}';
const COMPLETE = 0x2;

/** Lines of /proc/net/arp: address, type, flags, MAC, mask, device. */
const arpAddresses = (table: string): readonly NicAddresses[] =>
  table.split('\n').flatMap((line) => {
    const [ip4 = '', , flags = '', mac = ''] = line.trim().split(/\s+/);
    const isComplete = (Number(flags) & COMPLETE) !== 0;
    return isComplete && new RegExp(`^${MAC}$`).test(mac) ? [{ mac, ip4 }] : [];
  });

/** Lines of virsh's tables that have a MAC, `ipv4` or `ipv6`, and an address with the length of its prefix. */
const addressesFromTable = (table: string): readonly NicAddresses[] =>
  table.split('\n').flatMap((line) => {
    const [, mac = '', version, address = ''] =
      new RegExp(`(${MAC})\\s+ipv([46])\\s+([0-9a-f.:]+)/\\d+`, 'i').exec(line) ?? [];
    if (address === '' || isLocal(address)) return [];
    return [{ mac: mac.toLowerCase(), ...(version === '4' ? { ip4: address } : { ip6: address }) }];
  });

const isLocal = (address: string): boolean => /^(?:127\.|::1$|fe80:)/i.test(address);

function merge(addresses: Map<string, NicAddresses>, one: NicAddresses): void {
  addresses.set(one.mac, { ...one, ...addresses.get(one.mac) });
}
