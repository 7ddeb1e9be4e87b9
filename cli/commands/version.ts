/** `bypass version`: what `bypass --version` prints. */
import type { Command } from 'commander';
import type { Cli } from '../context.ts';

export function versionCommand(program: Command, cli: Cli): void {
  program
    .command('version')
    .helpCommand(false)
    .summary('print the version')
    .description('Print the version.')
    .action(() => void cli.stdout.write(`${program.version() ?? ''}\n`));
}
