/**
 * The `bypass` program: the client commands of cli/, and the commands that run processes. This file is outside of workers/, so
 * that no production code depends on dev/.
 */
import { oneLine, UsageError } from '../cli/errors.ts';
import { createProgram, runProgram } from '../cli/program.ts';
import { cliOf } from '../cli/context.ts';
import { devCommands } from '../dev/commands.ts';
import { workerCommands } from '../workers/commands.ts';
import { endQuietly } from '../workers/process-command.ts';
import { readSettings, SettingError } from '../workers/settings.ts';
import { bypassVersion } from '../workers/version.ts';

/** One line for people. The stack is printed on request. */
function report(error: unknown): void {
  const level = readSettings({}, process.env).text('logLevel');
  const known = error instanceof Error ? error : new Error(String(error));
  const verbose = level === 'debug' || level === 'trace';
  const text = verbose ? (known.stack ?? known.message) : oneLine(known.message || known.name);
  process.stderr.write(`bypass: ${text}\n`);
}

async function main(): Promise<void> {
  const cli = cliOf(process);
  const program = createProgram(cli).version(bypassVersion(), '-V, --version', 'print the version');
  program.commandsGroup('Processes:');
  devCommands(program);
  workerCommands(program);
  try {
    process.exitCode = await runProgram(program, process.argv.slice(2), cli);
  } catch (error) {
    report(error instanceof SettingError ? new UsageError(error.message) : error);
    // Once loaded, Temporal's native part keeps the process alive even if it never connected.
    process.exit(error instanceof SettingError ? 2 : 1);
  }
}

process.stdout.on('error', endQuietly);
await main();
