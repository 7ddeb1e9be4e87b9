/** `bypass completion`: what a shell reads to complete nouns, verbs and options. */
import { Argument } from 'commander';
import type { Command } from 'commander';
import { completionScript, SHELLS } from '../completion.ts';
import type { Shell } from '../completion.ts';
import type { Cli } from '../surroundings.ts';

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
}
