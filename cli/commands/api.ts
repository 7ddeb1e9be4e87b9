/** `bypass api`: any command of the API, by hand. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { verb } from '../command.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { shownAsJson } from '../output.ts';
import type { Cli } from '../context.ts';
import { hasFailed, waitForJob } from '../waiting.ts';

type Arguments = [command: string, parameters: readonly string[]];

export function apiCommands(program: Command, cli: Cli): void {
  verb<Arguments, { readonly wait?: true }>(program, cli, {
    usage: 'api <command> [parameters...]',
    summary: 'call any command of the API with parameters k=v, and print its answer as JSON',
    example: 'api listTemplates templatefilter=all name=ubuntu-24.04',
    options: [new Option('--wait', 'when it starts a job, until that is over; print the job')],
    help: 'All commands there are: bypass api listApis',
    run: async (session, [command, given], { wait }) => {
      const print = (value: unknown): unknown => session.cli.stdout.write(`${shownAsJson(value)}\n`);
      const answer = await session.api.call<{ readonly jobid?: string }>(command, parse(given));
      if (wait !== true || answer.jobid === undefined) {
        print(answer);
        return exitCodes.ok;
      }
      const job = await waitForJob(session, answer.jobid);
      print(job);
      return hasFailed(job) ? exitCodes.failed : exitCodes.ok;
    },
  });
}

function parse(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((text) => {
      const equals = text.indexOf('=');
      if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
      throw new UsageError(`parameters are written name=value, not '${text}'`);
    }),
  );
}
