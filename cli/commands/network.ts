/** `bypass network`: list, create, delete. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Network, NetworkOffering } from '../../model/api-answers.ts';
import type { ApiClient } from '../client.ts';
import { noun, verb } from '../command.ts';
import type { Session } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../errors.ts';
import { findZone, findZoneOrOnly, pick } from '../lookup.ts';
import type { Column } from '../output.ts';
import { findNetwork, listNetworks } from '../vms/lookup.ts';
import { settle } from '../waiting.ts';
import { wholeNumber } from '../whole-number.ts';

interface CreateOptions {
  readonly zone?: string;
  readonly networkOffering?: string;
  readonly hostNetwork?: string;
  readonly vlan?: number;
  readonly gateway?: string;
  readonly netmask?: string;
  readonly startIp?: string;
  readonly endIp?: string;
  readonly displayText?: string;
  readonly shared?: true;
}

export function networkCommands(program: Command, cli: Cli): void {
  const network = noun(program, 'network', 'networks: what the network cards of machines are connected to');

  verb<[], { readonly zone?: string }>(network, cli, {
    usage: 'list',
    summary: 'list networks',
    example: 'network list',
    options: [new Option('--zone <zone>', 'only those of this zone, by name or id')],
    run: async ({ api, out }, _args, { zone }) => {
      const zoneid = zone === undefined ? undefined : (await findZone(api, zone)).id;
      out.list({
        columns: COLUMNS,
        rows: await listNetworks(api, { zoneid }),
        none: 'There is no network yet. Make one: bypass network create NAME',
      });
    },
  });

  verb<[name: string], CreateOptions>(network, cli, {
    usage: 'create <name>',
    summary: 'make a network of a zone; hosts connect machines to it by a network that they offer',
    example: 'network create lan --host-network lan --shared',
    options: [
      new Option('--zone <zone>', 'name or id; default: the only one'),
      new Option(
        '--host-network <name>',
        'as hosts offer it in BYPASS_NETWORKS; default: the setting of the zone',
      ),
      new Option('--shared', 'for all accounts; default: for your own'),
      new Option('--network-offering <name>', 'name or id; default: the first of type L2, or Shared'),
      new Option('--vlan <number>', 'VLAN tag, where the host can').argParser(
        wholeNumber('--vlan', 'a VLAN'),
      ),
      new Option('--gateway <address>', 'of a network with addresses'),
      new Option('--netmask <mask>', 'of a network with addresses'),
      new Option('--start-ip <address>', 'the first address for machines'),
      new Option('--end-ip <address>', 'the last address for machines'),
      new Option('--display-text <text>', 'a description'),
    ],
    run: (session, [name], options) => create(session, name, options),
  });

  verb<[network: string], YesOption>(network, cli, {
    usage: 'delete <network>',
    summary: 'remove a network to which no machine is connected',
    example: 'network delete lan --yes',
    options: [yesOption()],
    run: async (session, [text], options) => {
      const { api, out } = session;
      const { id, name } = await findNetwork(api, text);
      await confirm(session, `Remove network ${name}?`, options);
      const started = await api.call<{ readonly jobid?: string }>('deleteNetwork', { id });
      out.done(`Removed network ${name}`, await settle(session, started));
    },
  });
}

async function create({ api, out }: Session, name: string, options: CreateOptions): Promise<void> {
  const zone = await findZoneOrOnly(api, options.zone);
  const { network } = await api.call<{ readonly network: Network }>('createNetwork', {
    name,
    displaytext: options.displayText ?? name,
    zoneid: zone.id,
    networkofferingid: (await networkOffering(api, options)).id,
    hostnetwork: options.hostNetwork,
    vlan: options.vlan,
    gateway: options.gateway,
    netmask: options.netmask,
    startip: options.startIp,
    endip: options.endIp,
  });
  out.done(`Made network ${network.name} (${network.id}) in zone ${zone.name}`, network);
}

/** The given one. Default: the first enabled one that fits. Shared: for all accounts, and may have addresses. */
async function networkOffering(
  api: ApiClient,
  { networkOffering: text, shared, gateway, vlan }: CreateOptions,
): Promise<NetworkOffering> {
  const offerings = await api.list<NetworkOffering>('listNetworkOfferings', 'networkoffering');
  if (text !== undefined) return pick('network offering', text, offerings);
  const type = shared === true || gateway !== undefined ? 'Shared' : 'L2';
  const isFitting = (one: NetworkOffering): boolean =>
    one.guestiptype === type && one.state === 'Enabled' && (vlan === undefined || one.specifyvlan);
  const found = offerings.find(isFitting);
  if (found !== undefined) return found;
  const tagged = vlan === undefined ? '' : ' that takes a VLAN tag';
  throw new CliError(
    `no network offering of type ${type}${tagged} is enabled; name one with --network-offering`,
  );
}

const COLUMNS: readonly Column<Network>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 3 },
  { title: 'TYPE', value: ({ type }) => type },
  { title: 'HOST NETWORK', value: ({ hostnetwork }) => hostnetwork, drop: 6 },
  { title: 'VLAN', value: ({ vlan }) => vlan, drop: 5 },
  { title: 'CIDR', value: ({ cidr }) => cidr, drop: 4 },
  { title: 'ZONE', value: ({ zonename }) => zonename, atLeast: 6, drop: 2 },
  {
    title: 'FOR',
    value: ({ acltype, account }) => (acltype === 'Domain' ? 'all accounts' : account),
    drop: 7,
  },
  { title: 'STATE', value: ({ state }) => state, drop: 1 },
];
