/** `bypass zone`: list, create, update, delete. */
import type { Command } from 'commander';
import type { Zone } from '../../model/api-answers.ts';
import { noun, verb } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import { findZone, listZones } from '../lookup.ts';
import { placeOptions } from '../place-options.ts';
import type { PlaceChanges } from '../place-options.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../context.ts';

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
      const { zone: made } = await api.call<{ readonly zone: Zone }>('createZone', { name });
      out.done(`Made zone ${made.name} (${made.id})`, made);
      out.remark(`Hosts join a cluster of it: bypass cluster add NAME --zone ${made.name}`);
    },
  });

  verb<[zone: string], PlaceChanges>(zone, cli, {
    usage: 'update <zone>',
    summary: 'rename a zone, or disable it, so that nothing new is deployed there',
    example: 'zone update amsterdam --state Disabled',
    options: placeOptions(),
    run: async ({ api, out }, [text], { name, state }) => {
      const { id } = await findZone(api, text);
      const answer = await api.call<{ readonly zone: Zone }>('updateZone', {
        id,
        name,
        allocationstate: state,
      });
      out.done(`Changed zone ${answer.zone.name}`, answer.zone);
    },
  });

  verb<[zone: string], YesOption>(zone, cli, {
    usage: 'delete <zone>',
    summary: 'remove a zone in which nothing is any more',
    example: 'zone delete amsterdam',
    options: [yesOption()],
    run: async (session, [text], { yes }) => {
      const { id, name } = await findZone(session.api, text);
      await confirm(session, `Remove zone ${name}?`, { yes });
      session.out.done(`Removed zone ${name}`, await session.api.call('deleteZone', { id }));
    },
  });
}

const COLUMNS: readonly Column<Zone>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id },
  { title: 'STATE', value: ({ allocationstate }) => allocationstate, drop: 1 },
];
