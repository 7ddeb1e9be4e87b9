/** Defines commands, `bypass NOUN VERB`, with help, an example, and the options that all commands share. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { createClient } from './client.ts';
import type { ApiClient } from './client.ts';
import { exitCodes } from './errors.ts';
import type { ExitCode } from './errors.ts';
import { createOutput, OUTPUT_FORMATS } from './output.ts';
import type { Output, OutputFormat } from './output.ts';
import { chooseAccess } from './profiles.ts';
import type { Cli } from './context.ts';
import { createStyle } from './text.ts';

/** What a command gets to work with. */
export interface Session {
  readonly cli: Cli;
  readonly api: ApiClient;
  readonly out: Output;
}

export interface Verb<Arguments extends readonly unknown[], Options> {
  /** Verb and arguments in commander's notation: `show <template>`. */
  readonly usage: string;
  readonly summary: string;
  /** An example, without the leading `bypass`. */
  readonly example: string;
  readonly options?: readonly Option[];
  /** Further help, shown after the options. */
  readonly help?: string;
  /** @returns the exit code. Default: 0 */
  run(session: Session, args: Arguments, options: Options): Promise<ExitCode | void>;
}

/** Thrown to end a command with an exit code when it has already printed its message. */
export class Ended extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`ended with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

interface CommonOptions {
  readonly json?: true;
  readonly output?: OutputFormat;
  readonly profile?: string;
}

/** The noun with this name; creates it when it does not exist. */
export function noun(program: Command, name: string, summary: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).helpCommand(false).summary(summary).description(sentence(summary));
}

/** The summary as the first sentence of a help: with a capital and a full stop. */
export const sentence = (summary: string): string => `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;

export function verb<Arguments extends readonly unknown[], Options>(
  parent: Command,
  cli: Cli,
  definition: Verb<Arguments, Options>,
): void {
  const { usage, summary, example, options = [], help } = definition;
  const command = parent.command(usage).helpCommand(false).summary(summary).description(sentence(summary));
  for (const option of options) command.addOption(option);
  command
    .addOption(
      new Option('-o, --output <format>', 'table, json (as the api answers it) or csv')
        .choices(OUTPUT_FORMATS)
        .helpGroup('Common options:'),
    )
    .addOption(new Option('--json', 'the same as -o json').helpGroup('Common options:'))
    .addOption(new Option('--profile <name>', 'the api to speak to').helpGroup('Common options:'))
    .addHelpOption(new Option('-h, --help', 'show this help').helpGroup('Common options:'))
    .addHelpText('after', `${help === undefined ? '' : `\n${help}\n`}\nExample:\n  $ bypass ${example}`)
    .action(async (...given: unknown[]) => {
      // Commander calls with the arguments, then the options, then the command itself.
      const args = given.slice(0, -2) as unknown as Arguments;
      const values = given.at(-2) as Options & CommonOptions;
      const session = await openSession(cli, values);
      const code = await definition.run(session, args, values);
      if (code !== undefined && code !== exitCodes.ok) throw new Ended(code);
    });
}

async function openSession(cli: Cli, { json, output, profile }: CommonOptions): Promise<Session> {
  const format = output ?? (json === true ? 'json' : 'table');
  const { unicode, color } = cli.environment;
  return {
    cli,
    api: createClient(await chooseAccess(cli.environment, profile)),
    out: createOutput(format, cli, createStyle({ unicode, color })),
  };
}
