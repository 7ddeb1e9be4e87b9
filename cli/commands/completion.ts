/** `bypass completion`: prints the completion script for a shell. */
import { Argument } from 'commander';
import type { Command } from 'commander';
import { completionScript, NAMES_COMMAND, SHELLS } from '../completion.ts';
import type { Shell } from '../completion.ts';
import { namesOf } from '../completion-names.ts';
import type { Cli } from '../context.ts';

export function completionCommand(program: Command, cli: Cli): void {
  program
    .command('completion')
    .helpCommand(false)
    .summary('print the completion of a shell')
    .description('Print the completion of a shell.')
    .addArgument(new Argument('<shell>', SHELLS.join(', ')).choices(SHELLS))
    .addHelpText(
      'after',
      '\nExample:\n  $ source <(bypass completion bash)\n  $ bypass completion fish > ~/.config/fish/completions/bypass.fish',
    )
    .action((shell: Shell) => void cli.stdout.write(completionScript(program, shell)));
  program
    .command(`${NAMES_COMMAND} <kind>`, { hidden: true })
    .helpCommand(false)
    .action(async (kind: string) => {
      // Completion cannot show errors, so without an api there is just nothing to complete.
      const names = await namesOf(cli, kind).catch(() => []);
      cli.stdout.write(names.map((name) => `${name}\n`).join(''));
    });
}
