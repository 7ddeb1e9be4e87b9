/** `bypass configure`: profiles with the address of an api and the keys to call it. */
import { resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { readPassword } from '../password.ts';
import { apiUrl, loadProfiles, saveProfile, useProfile } from '../profiles.ts';
import type { Cli } from '../context.ts';

interface ConfigureOptions {
  readonly profile?: string;
  readonly url?: string;
  readonly apiKey?: string;
  readonly secretKeyFile?: string;
  readonly caFile?: string;
  readonly use?: string;
}

/** This command calls no api, so it is not defined like the others. */
export function configureCommand(program: Command, cli: Cli): void {
  program
    .command('configure')
    .helpCommand(false)
    .summary('write a profile, choose one, or list them')
    .description('Write a profile, choose one, or list them.')
    .addOption(new Option('--profile <name>', 'the profile to write').default('default'))
    .addOption(new Option('--url <url>', 'where the api is'))
    .addOption(new Option('--api-key <key>', 'the API key'))
    .addOption(new Option('--secret-key-file <file>', 'holds the secret key; - for standard input'))
    .addOption(new Option('--ca-file <file>', 'authorities (PEM) to trust instead of the usual ones'))
    .addOption(new Option('--use <name>', 'make a profile that is there the current one'))
    .addHelpText(
      'after',
      '\nWithout options, the profiles are listed; the current one has a star.\n\nExample:\n' +
        '  $ bypass configure --profile lab --url https://bypass.example.org --api-key KEY --secret-key-file -',
    )
    .action(async (options: ConfigureOptions) => configure(cli, options));
}

async function configure(cli: Cli, options: ConfigureOptions): Promise<void> {
  const { profileFile } = cli.environment;
  const { profile = 'default', url, apiKey, secretKeyFile, caFile, use } = options;
  const say = (line: string): void => void cli.stdout.write(`${line}\n`);
  if (use !== undefined) {
    await useProfile(profileFile, use);
    say(`Profile ${use} is the current one`);
    return;
  }
  if (url === undefined && apiKey === undefined && secretKeyFile === undefined) {
    const { current, profiles } = await loadProfiles(profileFile);
    const names = Object.entries(profiles);
    for (const [name, known] of names) say(`${name === current ? '*' : ' '} ${name}  ${known.url}`);
    if (names.length === 0) say(`There is no profile yet in ${profileFile}`);
    return;
  }
  if (url === undefined || apiKey === undefined || secretKeyFile === undefined) {
    throw new UsageError('a profile needs all of --url, --api-key and --secret-key-file');
  }
  const { password: secretKey } = await readPassword(secretKeyFile);
  const authorities = caFile === undefined ? {} : { caFile: resolve(caFile) };
  await saveProfile(profileFile, profile, { url: apiUrl(url, '--url'), apiKey, secretKey, ...authorities });
  say(`Profile ${profile} is written to ${profileFile}, and is the current one`);
}
