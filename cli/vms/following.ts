/**
 * Follows a job of a virtual machine to its end. While it runs, one bar shows the machine: the bytes of its image, then what
 * the host does. Interrupting the wait cancels nothing.
 */
import type { AsyncJob, VirtualMachine } from '../../model/api-answers.ts';
import type { Session } from '../command.ts';
import type { Progress } from '../deployments.ts';
import { CliError, exitCodes } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import { formatDuration, parseTime } from '../format.ts';
import type { Named } from '../lookup.ts';
import { askJob, errorOf, hasFailed, isOver, waitFor } from '../waiting.ts';
import { listVms } from './lookup.ts';
import { addressesOf, vmProgress } from './progress.ts';

/** What a verb of a machine says of its job. */
export interface JobWords {
  /** While the job runs: `Starting`. */
  readonly begins: string;
  /** What to try after a failure, such as `bypass vm start web1`. */
  readonly again?: string;
}

export interface StartedJob {
  readonly id?: string;
  readonly jobid: string;
}

/**
 * Reports that a job has begun or, with `wait`, follows it and reports how the machine is then.
 * @throws CliError when the job failed
 */
export async function concludeVmJob(
  session: Session,
  vm: Named,
  started: StartedJob,
  { begins, again }: JobWords,
  wait: boolean,
): Promise<ExitCode> {
  const { out } = session;
  if (!wait) {
    out.done(`${begins} ${vm.name}: job ${started.jobid}`, { id: vm.id, jobid: started.jobid });
    out.remark(`See how far it is: bypass vm show ${vm.name}`);
    return exitCodes.ok;
  }
  const { job, last } = await follow(session, vm, started.jobid);
  if (hasFailed(job)) {
    const suffix = again === undefined ? '' : `; try again with: ${again}`;
    throw new CliError(`${vm.name}: ${errorOf(job)}${suffix}`);
  }
  out.done(describeOutcome(vm, job, last), last ?? job);
  return exitCodes.ok;
}

interface Followed {
  readonly job: AsyncJob;
  /** Undefined when the machine is gone. */
  readonly last: VirtualMachine | undefined;
}

const follow = (session: Session, { id, name }: Named, jobid: string): Promise<Followed> =>
  waitFor(
    session,
    `It goes on: bypass vm show ${name}; stop the machine: bypass vm stop ${name}`,
    async (wait) => {
      let shown: Progress | undefined;
      for (;;) {
        const job = await wait.ask((signal) => askJob(session.api, jobid, signal));
        // Read after the job, so that it shows how the machine is after a job that is over.
        const [last] = await wait.ask((signal) => listVms(session.api, { ids: id }, signal));
        if (isOver(job)) return { job, last };
        if (last !== undefined) {
          shown = vmProgress(last, shown);
          wait.view.update([shown]);
        }
        await wait.pause();
      }
    },
  );

function describeOutcome({ name }: Named, job: AsyncJob, vm: VirtualMachine | undefined): string {
  const seconds = (parseTime(job.completed) - parseTime(job.created)) / 1000;
  const took = Number.isNaN(seconds) ? '' : `, after ${formatDuration(seconds)}`;
  if (vm === undefined) return `${name}: gone${took}`;
  const addresses = addressesOf(vm);
  const where = vm.state !== 'Running' || vm.hostname === undefined ? '' : ` on ${vm.hostname}`;
  return `${name}: ${vm.state}${where}${addresses === '' ? '' : ` at ${addresses}`}${took}`;
}
