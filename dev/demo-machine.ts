/** The last step of the demo: boots the disk as a virtual machine, shows what it writes, and removes it. */
import type { Session } from '../cli/command.ts';
import { readConsole } from '../cli/vms/console.ts';
import { listOfferings } from '../cli/vms/lookup.ts';
import { errorOf, hasFailed, waitFor, waitForJob } from '../cli/waiting.ts';
import { StartError } from '../workers/start-error.ts';
import { FIRST_LINE } from './demo-disk.ts';
import { describeMachines } from './machines.ts';
import type { PrintLine } from './line-printer.ts';

interface Started {
  readonly id: string;
  readonly jobid: string;
}

/**
 * @returns the line on the serial console; undefined where no virtual machine can run, or it did not start, which is printed
 * @throws the signal's reason when the demo is stopped
 */
export async function bootMachine(
  session: Session,
  { templateId, zoneId }: { readonly templateId: string; readonly zoneId: string },
  { print, signal }: { readonly print: PrintLine; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { api } = session;
  const machines = await describeMachines(api);
  if (machines.problem !== undefined) {
    print(`The disk is not booted as a virtual machine: ${machines.problem}`);
    return undefined;
  }
  const [offering] = await listOfferings(api);
  const started = performance.now();
  print(`Booting it as a virtual machine (${machines.line})`);
  const { id, jobid } = await api.call<Started>('deployVirtualMachine', {
    name: 'demo',
    zoneid: zoneId,
    templateid: templateId,
    serviceofferingid: offering?.id,
  });
  try {
    await done(session, jobid);
    const line = await firstLine(session, id);
    const seconds = Math.round(performance.now() - started) / 1000;
    print(`On its serial console, after ${seconds} s: ${line}`);
    return line;
  } catch (error) {
    signal.throwIfAborted();
    print(`The virtual machine did not come up: ${(error as Error).message}`);
    return undefined;
  } finally {
    const removal = await api.call<Started>('destroyVirtualMachine', { id, expunge: true });
    await done(session, removal.jobid);
  }
}

async function done(session: Session, jobid: string): Promise<void> {
  const job = await waitForJob(session, jobid);
  if (hasFailed(job)) throw new StartError(errorOf(job));
}

const PATIENCE_MS = 60_000;

const firstLine = (session: Session, vmId: string): Promise<string> =>
  waitFor(session, 'The demo ends.', async ({ ask, pause }) => {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const { output } = await ask((signal) => readConsole(session.api, vmId, undefined, signal));
      if (output.includes(FIRST_LINE)) return FIRST_LINE;
      if (performance.now() > end)
        throw new StartError(`it wrote nothing to its serial console in ${PATIENCE_MS / 1000} s`);
      await pause();
    }
  });
