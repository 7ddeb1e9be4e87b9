/** `bypass host`: list, invite, approve, limit, maintenance, remove. (`host run` stands in workers/main.ts.) */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { HostAnswer } from '../answers.ts';
import { noun, verb } from '../command.ts';
import { UsageError } from '../errors.ts';
import { formatTime } from '../format.ts';
import { describeLimits, parseDownloads, parseRate } from '../host-limits.ts';
import { findHost, findZone, listHosts } from '../lookup.ts';
import { parseOnOff } from '../on-off.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../surroundings.ts';

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

  verb<[], { readonly zone?: string; readonly expires?: string }>(host, cli, {
    usage: 'invite',
    summary: 'make a one-time token with which a host may join',
    example: 'host invite --expires 2',
    options: [
      new Option('--zone <zone>', 'good for this zone only, by name or id'),
      new Option('--expires <hours>', 'how long it is good for').default('24').argParser(parseHours),
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
          : (await api.call<{ readonly host: HostAnswer }>('updateHost', parameters)).host;
      out.done(describeLimits(changed), changed);
    },
  });

  verb<[host: string, state: string], object>(host, cli, {
    usage: 'maintenance <host> <on|off>',
    summary: 'give a host no new downloads, or again; what runs goes on',
    example: 'host maintenance kvm-7 on',
    run: async ({ api, out }, [text, state]) => {
      const { id, name } = await findHost(api, text);
      const begins = parseOnOff(state);
      const answer = await api.call(begins ? 'prepareHostForMaintenance' : 'cancelHostMaintenance', { id });
      out.done(`Maintenance of host ${name} ${begins ? 'began' : 'ended'}`, answer);
    },
  });

  verb<[host: string], { readonly force?: true }>(host, cli, {
    usage: 'remove <host>',
    summary: 'forget a dead host, and the pools that only it had',
    example: 'host remove kvm-7',
    options: [new Option('--force', 'although it is up')],
    run: async ({ api, out }, [text], { force }) => {
      const { id, name } = await findHost(api, text);
      const answer = await api.call('deleteHost', { id, forced: force });
      out.done(`Host ${name} is forgotten`, answer);
    },
  });
}

const COLUMNS: readonly Column<HostAnswer>[] = [
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
];

function parseHours(text: string): string {
  if (/^[1-9]\d*$/.test(text)) return text;
  throw new UsageError(`--expires takes a whole number of hours, not '${text}'`);
}
