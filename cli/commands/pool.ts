/** `bypass pool`: list, maintenance, tag. */
import type { Command } from 'commander';
import type { StoragePool } from '../../model/api-answers.ts';
import { noun, verb } from '../command.ts';
import { bytesCell } from '../cells.ts';
import { findPool, listPools } from '../lookup.ts';
import { parseOnOff } from '../on-off.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../context.ts';

export function poolCommands(program: Command, cli: Cli): void {
  const pool = noun(program, 'pool', 'storage pools: where images lie');
  verb<[], object>(pool, cli, {
    usage: 'list',
    summary: 'list storage pools, and how full they are',
    example: 'pool list',
    run: async ({ api, out }) => {
      const rows = await listPools(api);
      out.list({
        columns: COLUMNS,
        rows,
        none: 'There is no storage pool yet: hosts bring them when they join',
      });
    },
  });

  verb<[pool: string, state: string], object>(pool, cli, {
    usage: 'maintenance <pool> <on|off>',
    summary: 'let nothing new be deployed to a pool, or again; what runs goes on',
    example: 'pool maintenance shared on',
    run: async ({ api, out }, [text, state]) => {
      const { id, name } = await findPool(api, text);
      const begins = parseOnOff(state);
      const answer = await api.call(begins ? 'enableStorageMaintenance' : 'cancelStorageMaintenance', { id });
      out.done(`Maintenance of pool ${name} ${begins ? 'began' : 'ended'}`, answer);
    },
  });

  verb<[pool: string, tags: string], object>(pool, cli, {
    usage: 'tag <pool> <tags>',
    summary: 'replace the tags of a pool',
    example: 'pool tag shared ssd,fast',
    run: async ({ api, out }, [text, tags]) => {
      const { id, name } = await findPool(api, text);
      const answer = await api.call('updateStoragePool', { id, tags });
      out.done(`Pool ${name} is tagged ${tags}`, answer);
    },
  });
}

const COLUMNS: readonly Column<StoragePool>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 3 },
  { title: 'TYPE', value: ({ type }) => type },
  { title: 'SCOPE', value: ({ scope }) => scope, drop: 6 },
  { title: 'STATE', value: ({ state }) => state, tone: ({ state }) => (state === 'Up' ? 'good' : 'bad') },
  { title: 'FREE', value: (pool) => bytesCell(freeOf(pool)), right: true },
  { title: 'TOTAL', value: ({ disksizetotal }) => bytesCell(disksizetotal), right: true, drop: 5 },
  { title: 'ZONE', value: ({ zonename }) => zonename, atLeast: 6, drop: 4 },
  { title: 'CLUSTER', value: ({ clustername }) => clustername, drop: 2 },
  { title: 'TAGS', value: ({ tags }) => tags, atLeast: 8, drop: 3 },
  { title: 'PATH', value: ({ path }) => path, atLeast: 12, drop: 1 },
];

const freeOf = ({ disksizetotal, disksizeused }: StoragePool): number | undefined =>
  disksizetotal === undefined || disksizeused === undefined ? undefined : disksizetotal - disksizeused;
