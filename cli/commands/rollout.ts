/** `bypass rollout`: list, show, pause, resume, cancel. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Rollout } from '../../model/api-answers.ts';
import { bytesCell, timeCell } from '../cells.ts';
import type { ApiClient } from '../client.ts';
import { noun, verb } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../errors.ts';
import { formatAmount } from '../format.ts';
import { findImage, findZone } from '../lookup.ts';
import type { Column, TitledValue } from '../output.ts';
import { countsOf, listRollouts, reasonsOf, TONE_OF_ROLLOUT } from '../rollouts.ts';

interface Filters {
  readonly template?: string;
  readonly zone?: string;
  readonly state?: string;
}

export function rolloutCommands(program: Command, cli: Cli): void {
  const rollout = noun(program, 'rollout', 'roll-outs: deployments to many pools, some at a time');

  verb<[], Filters>(rollout, cli, {
    usage: 'list',
    summary: 'list roll-outs, the newest first',
    example: 'rollout list --state Running',
    options: [
      new Option('--template <template>', 'only of this template or ISO, by name or id'),
      new Option('--zone <zone>', 'only in this zone, by name or id'),
      new Option('--state <state>', 'Running, Paused, Cancelled, Completed or Failed'),
    ],
    run: async ({ api, out }, _args, { template, zone, state }) => {
      const rows = await listRollouts(api, {
        templateid: template === undefined ? undefined : (await findImage(api, template)).id,
        zoneid: zone === undefined ? undefined : (await findZone(api, zone)).id,
        state,
      });
      const none = 'There is no roll-out. Begin with: bypass deploy start TEMPLATE --zone ZONE';
      out.list({ columns: COLUMNS, rows, none });
    },
  });

  verb<[id: string], object>(rollout, cli, {
    usage: 'show <id>',
    summary: 'show how far a roll-out is, and why copies are not there',
    example: 'rollout show 6f1f9f5e-5c0e-4d5c-9d0e-1c1d0a3b7a52',
    run: async ({ api, out }, [id]) => {
      const found = await findRollout(api, id);
      out.item(fieldsOf(found), found);
    },
  });

  verb<[id: string], object>(rollout, cli, {
    usage: 'pause <id>',
    summary: 'begin no more copies; those under way go on',
    example: 'rollout pause 6f1f9f5e-5c0e-4d5c-9d0e-1c1d0a3b7a52',
    run: async ({ api, out }, [id]) => {
      const changed = await steer(api, 'pauseTemplateRollout', id);
      out.done(`Paused: ${countsOf(changed)}`, changed);
      out.remark(`Let it go on: bypass rollout resume ${id}`);
    },
  });

  verb<[id: string], object>(rollout, cli, {
    usage: 'resume <id>',
    summary: 'let a roll-out that was paused go on',
    example: 'rollout resume 6f1f9f5e-5c0e-4d5c-9d0e-1c1d0a3b7a52',
    run: async ({ api, out }, [id]) => {
      const changed = await steer(api, 'resumeTemplateRollout', id);
      out.done(`It goes on: ${countsOf(changed)}`, changed);
    },
  });

  verb<[id: string], YesOption>(rollout, cli, {
    usage: 'cancel <id>',
    summary: 'end a roll-out; what is there stays, and copies that it stops keep their bytes',
    example: 'rollout cancel 6f1f9f5e-5c0e-4d5c-9d0e-1c1d0a3b7a52',
    options: [yesOption()],
    run: async (session, [id], { yes }) => {
      const { templatename, zonename, running, queued } = await findRollout(session.api, id);
      const left = `${running} under way, ${queued} not begun`;
      await confirm(session, `Cancel the roll-out of ${templatename} in ${zonename} (${left})?`, { yes });
      const changed = await steer(session.api, 'cancelTemplateRollout', id);
      session.out.done(`Cancelled: ${countsOf(changed)}`, changed);
    },
  });
}

async function findRollout(api: ApiClient, id: string): Promise<Rollout> {
  const [found] = await listRollouts(api, { id });
  if (found === undefined)
    throw new CliError(`there is no roll-out ${id}: bypass rollout list has their ids`);
  return found;
}

const steer = async (api: ApiClient, command: string, id: string): Promise<Rollout> =>
  (await api.call<{ readonly templaterollout: Rollout }>(command, { id })).templaterollout;

const COLUMNS: readonly Column<Rollout>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'TEMPLATE', value: ({ templatename }) => templatename, atLeast: 12 },
  { title: 'ZONE', value: ({ zonename }) => zonename, drop: 3 },
  { title: 'STATE', value: ({ state }) => state, tone: ({ state }) => TONE_OF_ROLLOUT[state] },
  { title: 'THERE', value: ({ ready, total }) => `${ready} of ${total}`, right: true },
  { title: 'FAILED', value: ({ failed }) => failed || undefined, right: true, drop: 5 },
  { title: 'DONE', value: ({ percent }) => `${percent}%`, right: true },
  { title: 'SIZE', value: ({ totalbytes }) => bytesCell(totalbytes || undefined), right: true, drop: 2 },
  { title: 'CREATED', value: ({ created }) => timeCell(created), drop: 1 },
];

const fieldsOf = (rollout: Rollout): readonly TitledValue[] => {
  const { bytes, totalbytes, percent, selection, clustername, tag } = rollout;
  const of = [clustername && `cluster ${clustername}`, tag && `tag ${tag}`].filter(Boolean).join(', ');
  return [
    { title: 'Template', value: rollout.templatename },
    { title: 'Zone', value: rollout.zonename },
    {
      title: 'Pools',
      value: of === '' ? { zone: 'all of the zone', pools: 'a list' }[selection as 'zone'] : of,
    },
    { title: 'State', value: rollout.state, tone: TONE_OF_ROLLOUT[rollout.state] },
    { title: 'Copies', value: countsOf(rollout) },
    { title: 'Done', value: `${percent}%, ${formatAmount(bytes, totalbytes)}` },
    { title: 'At once', value: rollout.atonce },
    ...reasonsOf(rollout).map((value, at) => ({
      title: at === 0 ? 'Failures' : '',
      value,
      tone: 'bad' as const,
    })),
    { title: 'Cancelled by', value: rollout.cancelledby },
    { title: 'Asked by', value: rollout.username },
    { title: 'Created', value: timeCell(rollout.created) },
    { title: 'Completed', value: timeCell(rollout.completed) },
    { title: 'Workflow', value: rollout.workflowid },
  ];
};
