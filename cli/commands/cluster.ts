/** `bypass cluster`: list, add, update, delete. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Cluster } from '../../model/api-answers.ts';
import { noun, verb } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import { CliError } from '../errors.ts';
import { findCluster, findZone, findZoneOrOnly, listClusters } from '../lookup.ts';
import { placeOptions } from '../place-options.ts';
import type { PlaceChanges } from '../place-options.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../context.ts';

interface AddAnswer {
  readonly cluster?: Cluster | readonly Cluster[];
}

export function clusterCommands(program: Command, cli: Cli): void {
  const cluster = noun(program, 'cluster', 'clusters: hosts of a zone that share pools');

  verb<[], { readonly zone?: string }>(cluster, cli, {
    usage: 'list',
    summary: 'list clusters',
    example: 'cluster list',
    options: [new Option('--zone <zone>', 'only those of this zone, by name or id')],
    run: async ({ api, out }, _args, { zone }) => {
      const zoneid = zone === undefined ? undefined : (await findZone(api, zone)).id;
      const rows = (await listClusters(api)).filter((row) => zoneid === undefined || row.zoneid === zoneid);
      const none = 'There is no cluster yet. Add one: bypass cluster add NAME';
      out.list({ columns: COLUMNS, rows, none });
    },
  });

  verb<[name: string], { readonly zone?: string }>(cluster, cli, {
    usage: 'add <name>',
    summary: 'add a cluster to a zone',
    example: 'cluster add rack-1 --zone amsterdam',
    options: [new Option('--zone <zone>', 'name or id; the only zone when there is one')],
    run: async ({ api, out }, [name], { zone }) => {
      const { id, name: zoneName } = await findZoneOrOnly(api, zone);
      const parameters = { zoneid: id, clustername: name, clustertype: 'CloudManaged', hypervisor: 'KVM' };
      const answer = await api.call<AddAnswer>('addCluster', parameters);
      // CloudStack answers the added cluster as a list with one entry.
      const added = [answer.cluster ?? []].flat()[0];
      if (added === undefined) throw new CliError(`the api added cluster '${name}' but did not say as what`);
      out.done(`Added cluster ${added.name} (${added.id}) to zone ${zoneName}`, added);
      out.remark(`Let a host join it: bypass host invite --zone ${zoneName}`);
    },
  });

  verb<[cluster: string], PlaceChanges>(cluster, cli, {
    usage: 'update <cluster>',
    summary: 'rename a cluster, or disable it, so that nothing new is deployed there',
    example: 'cluster update rack-1 --name rack-2',
    options: placeOptions(),
    run: async ({ api, out }, [text], { name, state }) => {
      const { id } = await findCluster(api, text);
      const answer = await api.call<{ readonly cluster: Cluster }>('updateCluster', {
        id,
        clustername: name,
        allocationstate: state,
      });
      out.done(`Changed cluster ${answer.cluster.name}`, answer.cluster);
    },
  });

  verb<[cluster: string], YesOption>(cluster, cli, {
    usage: 'delete <cluster>',
    summary: 'remove a cluster without hosts and pools',
    example: 'cluster delete rack-1',
    options: [yesOption()],
    run: async (session, [text], { yes }) => {
      const { id, name } = await findCluster(session.api, text);
      await confirm(session, `Remove cluster ${name}?`, { yes });
      session.out.done(`Removed cluster ${name}`, await session.api.call('deleteCluster', { id }));
    },
  });
}

const COLUMNS: readonly Column<Cluster>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id },
  { title: 'ZONE', value: ({ zonename }) => zonename, atLeast: 6 },
  { title: 'HYPERVISOR', value: ({ hypervisortype }) => hypervisortype, drop: 1 },
];
