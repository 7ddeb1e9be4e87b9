/** `bypass zone`: list, create. */
import type { Command } from 'commander';
import type { ZoneAnswer } from '../answers.ts';
import { noun, verb } from '../command.ts';
import { listZones } from '../lookup.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../surroundings.ts';

export function zoneCommands(program: Command, cli: Cli): void {
  const zone = noun(program, 'zone', 'zones: places with hosts and pools');

  verb<[], object>(zone, cli, {
    usage: 'list',
    summary: 'list zones',
    example: 'zone list',
    run: async ({ api, out }) => {
      const none = 'There is no zone yet. Make one: bypass zone create NAME';
      out.list({ columns: COLUMNS, rows: await listZones(api), none });
    },
  });

  verb<[name: string], object>(zone, cli, {
    usage: 'create <name>',
    summary: 'make a zone',
    example: 'zone create amsterdam',
    run: async ({ api, out }, [name]) => {
      const { zone: made } = await api.call<{ readonly zone: ZoneAnswer }>('createZone', { name });
      out.done(`Made zone ${made.name} (${made.id})`, made);
      out.remark(`Hosts join a cluster of it: bypass cluster add NAME --zone ${made.name}`);
    },
  });
}

const COLUMNS: readonly Column<ZoneAnswer>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id },
  { title: 'STATE', value: ({ allocationstate }) => allocationstate, drop: 1 },
];
