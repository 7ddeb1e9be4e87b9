/** How a command is defined: `bypass NOUN VERB`, with help, an example, and what all of them share. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { createClient } from './client.ts';
import type { ApiClient } from './client.ts';
import { exitCodes } from './errors.ts';
import type { ExitCode } from './errors.ts';
import { createOutput, OUTPUT_FORMATS } from './output.ts';
import type { Output, OutputFormat } from './output.ts';
import { chooseAccess } from './profiles.ts';
import type { Cli } from './surroundings.ts';
import { createStyle } from './text.ts';

/** What a command works with. */
export interface Session {
  readonly cli: Cli;
  readonly api: ApiClient;
  readonly out: Output;
}

export interface Verb<Arguments extends readonly unknown[], Options> {
  /** As commander writes it: `show <template>`. */
  readonly usage: string;
  readonly summary: string;
  /** What follows `bypass`. */
  readonly example: string;
  readonly options?: readonly Option[];
  /** What the help says beyond the summary, after the options. */
  readonly help?: string;
  /** @returns the exit code, 0 when none */
  run(session: Session, args: Arguments, options: Options): Promise<ExitCode | void>;
}

/** Thrown when a command ends with an exit code and has said all there is to say. */
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

/** The noun of that name, made when it is not there. */
export function noun(program: Command, name: string, summary: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).helpCommand(false).summary(summary).description(sentence(summary));
}

/** A summary as it stands above a help: it begins with a capital and ends with a full stop. */
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
