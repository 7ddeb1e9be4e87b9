/** `bypass host`: list, show, invite, approve, limit, maintenance, drain, remove. (`host run` is in workers/commands.ts.) */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Host } from '../../model/api-answers.ts';
import { noun, verb } from '../command.ts';
import type { Session } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import { count, formatTime } from '../format.ts';
import { hostDetails } from '../host-details.ts';
import { describeLimits, parseDownloads, parseRate } from '../host-limits.ts';
import { waitUntilDrained } from '../draining.ts';
import { findHost, findZone, listHosts } from '../lookup.ts';
import { parseOnOff } from '../on-off.ts';
import type { Column } from '../output.ts';
import { settle } from '../waiting.ts';
import type { Cli } from '../context.ts';
import { wholeNumber } from '../whole-number.ts';

interface InviteAnswer {
  readonly hostinvite: { readonly id: string; readonly token: string; readonly expires?: string };
}

export function hostCommands(program: Command, cli: Cli): void {
  const host = noun(program, 'host', 'hosts: the machines that download onto their pools');

  verb<[], object>(host, cli, {
    usage: 'list',
    summary: 'list hosts, and whether they are up',
    example: 'host list',
    run: async ({ api, out }) => {
      const rows = await listHosts(api);
      out.list({ columns: COLUMNS, rows, none: 'There is no host yet. Invite one: bypass host invite' });
      for (const { name, resourcestate, fingerprint } of rows) {
        if (resourcestate !== 'Disabled') continue;
        const key = fingerprint === undefined ? '' : ` if its key is ${fingerprint}`;
        out.remark(`${name} waits for approval${key}: bypass host approve ${name}`);
      }
    },
  });

  verb<[host: string], object>(host, cli, {
    usage: 'show <host>',
    summary: 'show a host, and how it runs virtual machines',
    example: 'host show kvm-7',
    run: async ({ api, out }, [text]) => {
      const found = await findHost(api, text);
      out.item(hostDetails(found), found);
    },
  });

  verb<[], { readonly zone?: string; readonly expires?: number }>(host, cli, {
    usage: 'invite',
    summary: 'make a one-time token with which a host may join',
    example: 'host invite --expires 2',
    options: [
      new Option('--zone <zone>', 'good for this zone only, by name or id'),
      new Option('--expires <hours>', 'how long it is good for')
        .default(24)
        .argParser(wholeNumber('--expires', 'hours')),
    ],
    run: async ({ api, out }, _args, { zone, expires }) => {
      const answer = await api.call<InviteAnswer>('createHostInvite', {
        zoneid: zone === undefined ? undefined : (await findZone(api, zone)).id,
        expireshours: expires,
      });
      const { token, expires: until } = answer.hostinvite;
      out.done(token, answer.hostinvite);
      out.remark(
        `Good once, until ${formatTime(until)}. On the host: ` +
          'BYPASS_INVITE=TOKEN bypass host run --zone ZONE --cluster CLUSTER --pools NAME=TYPE:SCOPE:PATH',
      );
    },
  });

  verb<[host: string], object>(host, cli, {
    usage: 'approve <host>',
    summary: 'admit a host that came without a token (compare the fingerprint of its key first)',
    example: 'host approve kvm-7',
    run: async ({ api, out }, [text]) => {
      const { id, name } = await findHost(api, text);
      const answer = await api.call('updateHost', { id, allocationstate: 'Enable' });
      out.done(`Host ${name} is admitted`, answer);
    },
  });

  verb<[host: string], { readonly downloads?: string; readonly rate?: string }>(host, cli, {
    usage: 'limit <host>',
    summary: "limit a host's downloads, also those that run; without options show the limits",
    example: 'host limit kvm-7 --downloads 4 --rate 50M',
    options: [
      new Option('--downloads <number>', 'at once; own: as its settings say').argParser(parseDownloads),
      new Option(
        '--rate <bytes>',
        'per second, such as 50M; none: no limit; own: as its settings say',
      ).argParser(parseRate),
    ],
    run: async ({ api, out }, [text], { downloads, rate }) => {
      const found = await findHost(api, text);
      const parameters = { id: found.id, downloadlimit: downloads, ratelimit: rate };
      const changed =
        downloads === undefined && rate === undefined
          ? found
          : (await api.call<{ readonly host: Host }>('updateHost', parameters)).host;
      out.done(describeLimits(changed), changed);
    },
  });

  verb<[host: string, state: string], object>(host, cli, {
    usage: 'maintenance <host> <on|off>',
    summary: 'give a host no new downloads and virtual machines, or again; what runs goes on',
    example: 'host maintenance kvm-7 on',
    run: async (session, [text, state]) => {
      const { id, name } = await findHost(session.api, text);
      if (parseOnOff(state)) return beginMaintenance(session, { id, name });
      const answer = await session.api.call('cancelHostMaintenance', { id });
      session.out.done(`Maintenance of host ${name} ended`, answer);
    },
  });

  verb<[host: string], { readonly wait?: number; readonly handOver?: true }>(host, cli, {
    usage: 'drain <host>',
    summary: 'begin the maintenance of a host, and list the virtual machines that still run there',
    example: 'host drain kvm-7 --wait 10',
    options: [
      new Option(
        '--wait <minutes>',
        'wait until its downloads have ended; what runs after this time is handed over to other hosts',
      ).argParser(wholeNumber('--wait', 'minutes')),
      new Option('--hand-over', 'hand its downloads over to other hosts at once, and wait until it has none'),
    ],
    run: async (session, [text], { wait, handOver }) => {
      const found = await findHost(session.api, text);
      await beginMaintenance(session, found);
      const minutes = handOver === true ? 0 : wait;
      if (minutes !== undefined) await waitUntilDrained(session, found, minutes);
    },
  });

  verb<[host: string], { readonly force?: true } & YesOption>(host, cli, {
    usage: 'remove <host>',
    summary: 'forget a dead host, and the pools that only it had',
    example: 'host remove kvm-7',
    options: [new Option('--force', 'although it is up'), yesOption()],
    run: async (session, [text], { force, yes }) => {
      const { api, out } = session;
      const { id, name, virtualmachinecount = 0 } = await findHost(api, text);
      const machines =
        virtualmachinecount === 0
          ? ''
          : ` Of the virtual machines there, ${virtualmachinecount} ran: other hosts may start them, so make sure that it is off.`;
      await confirm(session, `Forget host ${name}, and the pools that only it has?${machines}`, { yes });
      const answer = await api.call('deleteHost', { id, forced: force });
      out.done(`Host ${name} is forgotten`, answer);
    },
  });
}

type Named = Pick<Host, 'id' | 'name'>;

async function beginMaintenance(session: Session, { id, name }: Named): Promise<void> {
  const { api, out } = session;
  const answer = await api.call<{ readonly jobid?: string }>('prepareHostForMaintenance', { id });
  const job = await settle(session, answer);
  out.done(`Maintenance of host ${name} began`, job);
  const { virtualmachine = [] } = (job as MaintenanceJob).jobresult?.host ?? {};
  if (virtualmachine.length === 0) return;
  const names = virtualmachine.map((machine) => machine.name).join(', ');
  out.remark(`${count(virtualmachine.length, 'virtual machine')} still on it: ${names}`);
}

interface MaintenanceJob {
  readonly jobresult?: { readonly host?: { readonly virtualmachine?: readonly Named[] } };
}

const COLUMNS: readonly Column<Host>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 5 },
  { title: 'STATE', value: ({ state }) => state, tone: ({ state }) => (state === 'Up' ? 'good' : 'bad') },
  {
    title: 'RESOURCE',
    value: ({ resourcestate }) => resourcestate,
    tone: ({ resourcestate }) => (resourcestate === 'Enabled' ? undefined : 'busy'),
  },
  { title: 'ZONE', value: ({ zonename }) => zonename, atLeast: 6, drop: 4 },
  { title: 'CLUSTER', value: ({ clustername }) => clustername, atLeast: 6, drop: 3 },
  { title: 'ADDRESS', value: ({ ipaddress }) => ipaddress, drop: 2 },
  { title: 'VERSION', value: ({ version }) => version, drop: 1 },
  {
    title: 'VMS',
    value: ({ vmproblem, virtualmachinecount }) => (vmproblem === undefined ? virtualmachinecount : 'none'),
    drop: 6,
  },
];
