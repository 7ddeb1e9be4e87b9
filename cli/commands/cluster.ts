/** `bypass cluster`: list, add. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { ClusterAnswer } from '../answers.ts';
import { noun, verb } from '../command.ts';
import { CliError } from '../errors.ts';
import { findZone, findZoneOrOnly, listClusters } from '../lookup.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../surroundings.ts';

interface AddAnswer {
  readonly cluster?: ClusterAnswer | readonly ClusterAnswer[];
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
      // CloudStack answers with a list of the one that was added.
      const added = [answer.cluster ?? []].flat()[0];
      if (added === undefined) throw new CliError(`the api added cluster '${name}' but did not say as what`);
      out.done(`Added cluster ${added.name} (${added.id}) to zone ${zoneName}`, added);
      out.remark(`Let a host join it: bypass host invite --zone ${zoneName}`);
    },
  });
}

const COLUMNS: readonly Column<ClusterAnswer>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id },
  { title: 'ZONE', value: ({ zonename }) => zonename, atLeast: 6 },
  { title: 'HYPERVISOR', value: ({ hypervisortype }) => hypervisortype, drop: 1 },
];
