/** The `bypass` program: the client commands, their help, and how errors become exit codes. */
import { Command, CommanderError } from 'commander';
import { accountCommands } from './commands/account.ts';
import { apiCommands } from './commands/api.ts';
import { certificateCommands } from './commands/certificate.ts';
import { clusterCommands } from './commands/cluster.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommands } from './commands/config.ts';
import { configureCommand } from './commands/configure.ts';
import { deployCommands } from './commands/deploy.ts';
import { eventCommands } from './commands/event.ts';
import { hostCommands } from './commands/host.ts';
import { isoCommands } from './commands/iso.ts';
import { jobCommands } from './commands/job.ts';
import { keyCommands } from './commands/key.ts';
import { networkCommands } from './commands/network.ts';
import { offeringCommands } from './commands/offering.ts';
import { poolCommands } from './commands/pool.ts';
import { rolloutCommands } from './commands/rollout.ts';
import { templateCommands } from './commands/template.ts';
import { userCommands } from './commands/user.ts';
import { versionCommand } from './commands/version.ts';
import { vmCommands } from './commands/vm.ts';
import { zoneCommands } from './commands/zone.ts';
import { Ended } from './command.ts';
import { CliError, exitCodes, oneLine } from './errors.ts';
import type { Cli } from './context.ts';

const HELP = `
The processes in production: bypass api run, bypass control run, bypass host run.

Exit codes:
  0    ok
  1    failed: the api refused, or what was waited for failed
  2    the command line is wrong
  3    no api can be reached, or none is configured
  130  Ctrl-C while waiting; nothing was cancelled

Which api: the current profile of ~/.config/bypass/config.json ($XDG_CONFIG_HOME), which
\`npm start\` and \`bypass configure\` write;
BYPASS_URL, BYPASS_API_KEY and BYPASS_SECRET_KEY override its parts.

Example:
  $ bypass template register --name ubuntu-24.04 --url https://example.org/ubuntu.qcow2 --deploy --wait`;

export function createProgram(cli: Cli): Command {
  const program = new Command('bypass')
    .description('VM templates and ISOs straight from their URL onto the KVM hosts that run them.')
    .helpCommand('help [command]', 'show the help of a command')
    .helpOption('-h, --help', 'show this help')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText('after', HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      writeErr: (text) => void cli.stderr.write(text),
      getOutHelpWidth: () => cli.stdout.columns ?? 100,
      getErrHelpWidth: () => cli.stderr.columns ?? 100,
      outputError: (text, write) =>
        write(`${oneLine(text.replace(/^error: /, 'bypass: ')).replace(/\.$/, '')}; --help tells more\n`),
    });
  program.commandsGroup('Images:');
  templateCommands(program, cli);
  isoCommands(program, cli);
  deployCommands(program, cli);
  rolloutCommands(program, cli);
  program.commandsGroup('Virtual machines:');
  vmCommands(program, cli);
  offeringCommands(program, cli);
  networkCommands(program, cli);
  keyCommands(program, cli);
  program.commandsGroup('Places:');
  zoneCommands(program, cli);
  clusterCommands(program, cli);
  hostCommands(program, cli);
  poolCommands(program, cli);
  configCommands(program, cli);
  certificateCommands(program, cli);
  program.commandsGroup('People:');
  accountCommands(program, cli);
  userCommands(program, cli);
  program.commandsGroup('What happened:');
  eventCommands(program, cli);
  jobCommands(program, cli);
  apiCommands(program, cli);
  program.commandsGroup('This command:');
  configureCommand(program, cli);
  completionCommand(program, cli);
  versionCommand(program, cli);
  return program;
}

/**
 * Runs a command line.
 * @param argv the arguments, without the program and its script
 * @returns the exit code; expected errors are printed, and only unexpected ones are thrown
 */
export async function runProgram(program: Command, argv: readonly string[], cli: Cli): Promise<number> {
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (error instanceof Ended) return error.exitCode;
    if (!(error instanceof CliError)) throw error;
    cli.stderr.write(`bypass: ${error.message}\n`);
    return error.exitCode;
  }
}
