/** `bypass config`: list, set, reset: the settings in the database. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { ApiClient } from '../client.ts';
import { noun, verb } from '../command.ts';
import { findZone } from '../lookup.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../context.ts';

interface ConfigurationAnswer {
  readonly name: string;
  readonly value?: string;
  readonly description?: string;
}

interface ZoneOption {
  readonly zone?: string;
}

const zoneOption = (): Option =>
  new Option('--zone <zone>', 'of this zone, by name or id; of all zones when absent');

export function configCommands(program: Command, cli: Cli): void {
  const config = noun(
    program,
    'config',
    'settings, such as which URLs hosts may connect to, and how long jobs are kept',
  );

  verb<[], ZoneOption>(config, cli, {
    usage: 'list',
    summary: 'list settings, and what holds',
    example: 'config list --zone amsterdam',
    options: [zoneOption()],
    run: async ({ api, out }, _args, { zone }) => {
      const { configuration: rows = [] } = await api.call<{
        readonly configuration?: readonly ConfigurationAnswer[];
      }>('listConfigurations', { zoneid: await zoneId(api, zone) });
      out.list({ columns: COLUMNS, rows, none: 'There is no setting' });
    },
  });

  verb<[name: string, value: string], ZoneOption>(config, cli, {
    usage: 'set <name> <value>',
    summary: 'change a setting; jobs that begin from then on have it',
    example: 'config set direct.download.url.allow.cidr 10.20.0.0/16,192.168.0.0/16 --zone amsterdam',
    options: [zoneOption()],
    run: async ({ api, out }, [name, value], { zone }) => {
      const answer = await change(api, 'updateConfiguration', {
        name,
        value,
        zoneid: await zoneId(api, zone),
      });
      out.done(`${answer.name} is ${answer.value || 'empty'}`, answer);
    },
  });

  verb<[name: string], ZoneOption>(config, cli, {
    usage: 'reset <name>',
    summary: 'take a value away, so that the one behind it holds',
    example: 'config reset direct.download.url.allow.cidr --zone amsterdam',
    options: [zoneOption()],
    run: async ({ api, out }, [name], { zone }) => {
      const answer = await change(api, 'resetConfiguration', { name, zoneid: await zoneId(api, zone) });
      out.done(`${answer.name} is ${answer.value || 'empty'}`, answer);
    },
  });
}

const zoneId = async (api: ApiClient, zone: string | undefined): Promise<string | undefined> =>
  zone === undefined ? undefined : (await findZone(api, zone)).id;

async function change(
  api: ApiClient,
  command: string,
  parameters: Readonly<Record<string, string | undefined>>,
): Promise<ConfigurationAnswer> {
  const { configuration } = await api.call<{ readonly configuration: ConfigurationAnswer }>(
    command,
    parameters,
  );
  return configuration;
}

const COLUMNS: readonly Column<ConfigurationAnswer>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'VALUE', value: ({ value }) => value, atLeast: 10 },
  { title: 'MEANING', value: ({ description }) => description, atLeast: 10, drop: 1 },
];
