/** `bypass vm log`: what a machine wrote to its serial console. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { ConsoleLog, VirtualMachine } from '../../model/api-answers.ts';
import { createConsoleText } from '../../model/console-text.ts';
import { verb } from '../command.ts';
import type { Session } from '../command.ts';
import type { Cli } from '../context.ts';
import { UsageError } from '../errors.ts';
import { formatBytes } from '../format.ts';
import { MAX_BYTES, newText, readConsole } from '../vms/console.ts';
import { findVm } from '../vms/lookup.ts';
import { waitFor } from '../waiting.ts';
import { wholeNumber } from '../whole-number.ts';

interface LogOptions {
  readonly follow?: true;
  readonly bytes?: number;
}

export function vmLog(parent: Command, cli: Cli): void {
  verb<[vm: string], LogOptions>(parent, cli, {
    usage: 'log <vm>',
    summary: 'print what a machine wrote to its serial console',
    example: 'vm log web1 -f',
    options: [
      new Option('-f, --follow', 'go on with what it writes from now on, until Ctrl-C'),
      new Option('--bytes <number>', `only the last ones, at most ${MAX_BYTES}`).argParser(
        wholeNumber('--bytes', 'bytes'),
      ),
    ],
    help:
      'Only text is printed: what would steer the terminal, such as colours, is left out. As the guest wrote it:\n' +
      'bypass api getVirtualMachineConsoleLog virtualmachineid=ID',
    run: async (session, [text], { follow, bytes }) => {
      if (follow === true && session.out.format !== 'table') {
        throw new UsageError('--follow prints text as it comes; it has no JSON and no CSV');
      }
      const vm = await findVm(session.api, text);
      return follow === true ? followLog(session, vm, bytes) : printLog(session, vm, bytes);
    },
  });
}

async function printLog(session: Session, vm: VirtualMachine, bytes: number | undefined): Promise<void> {
  const { api, cli, out } = session;
  const log = await readConsole(api, vm.id, bytes);
  if (out.format === 'json') {
    out.done('', log);
    return;
  }
  const shown = createConsoleText()(newText(log, 0).text);
  if (shown === '') out.remark(`${vm.name} has written nothing to its serial console`);
  else cli.stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`);
}

/** Ends by Ctrl-C, or by a refusal of the api. */
const followLog = (session: Session, vm: VirtualMachine, bytes: number | undefined): Promise<void> =>
  waitFor(session, undefined, async ({ ask, pause }) => {
    const { api, cli, out } = session;
    const read = createConsoleText();
    const look = (most: number | undefined): Promise<ConsoleLog> =>
      ask((signal) => readConsole(api, vm.id, most, signal));
    let log = await look(bytes);
    cli.stdout.write(read(newText(log, 0).text));
    for (;;) {
      await pause();
      const next = await look(undefined);
      const { text, missed } = newText(next, log.size);
      if (missed > 0) out.remark(`(${formatBytes(missed)} were written too fast to be shown)`);
      if (text !== '') cli.stdout.write(read(text));
      log = next;
    }
  });
