/** `bypass job`: list, show. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { AsyncJob } from '../../model/api-answers.ts';
import { noun, verb } from '../command.ts';
import { outcomeOf } from '../deployments.ts';
import { exitCodes } from '../errors.ts';
import { timeCell } from '../cells.ts';
import { parseTime } from '../format.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../context.ts';
import type { Tone } from '../text.ts';
import { askJob, errorOf, hasFailed, waitForJob } from '../waiting.ts';

const STATUS: Readonly<Record<number, readonly [word: string, tone: Tone]>> = {
  0: ['pending', 'busy'],
  1: ['done', 'good'],
  2: ['failed', 'bad'],
};

export function jobCommands(program: Command, cli: Cli): void {
  const job = noun(program, 'job', 'jobs: what the api does after it has answered');
  verb<[], { readonly running?: true }>(job, cli, {
    usage: 'list',
    summary: 'list jobs, the newest first',
    example: 'job list --running',
    options: [new Option('--running', 'only those that are not over')],
    run: async ({ api, out }, _args, { running }) => {
      const values = running === true ? { jobstatus: 0 } : {};
      const rows = await api.list<AsyncJob>('listAsyncJobs', 'asyncjobs', values);
      out.list({ columns: COLUMNS, rows, none: 'There is no job' });
    },
  });

  verb<[job: string], { readonly wait?: true }>(job, cli, {
    usage: 'show <job>',
    summary: 'show how far a job is, and what came of it',
    example: 'job show 6f1f9f5e-5c0e-4d5c-9d0e-1c1d0a3b7a52',
    options: [new Option('--wait', 'until it is over; then a failed job means exit code 1')],
    run: async (session, [id], { wait }) => {
      const answer = wait === true ? await waitForJob(session, id) : await askJob(session.api, id);
      session.out.item(fieldsOf(answer), answer);
      session.out.lines(resultLines(answer));
      return wait === true && hasFailed(answer) ? exitCodes.failed : exitCodes.ok;
    },
  });
}

const COLUMNS: readonly Column<AsyncJob>[] = [
  { title: 'JOB', value: ({ jobid }) => jobid },
  { title: 'COMMAND', value: ({ cmd }) => cmd, atLeast: 12 },
  {
    title: 'STATUS',
    value: ({ jobstatus }) => STATUS[jobstatus]?.[0],
    tone: ({ jobstatus }) => STATUS[jobstatus]?.[1],
  },
  { title: 'CREATED', value: ({ created }) => timeCell(created), drop: 2 },
  { title: 'COMPLETED', value: ({ completed }) => timeCell(completed), drop: 1 },
];

function fieldsOf(job: AsyncJob) {
  const [word, tone] = STATUS[job.jobstatus] ?? ['unknown', 'faint'];
  const what = [job.jobinstancetype, job.jobinstanceid].filter(Boolean).join(' ');
  return [
    { title: 'Job', value: job.jobid, tone: 'strong' },
    { title: 'Status', value: word, tone },
    { title: 'Command', value: job.cmd },
    { title: 'For', value: what },
    { title: 'Created', value: timeCell(job.created) },
    { title: 'Completed', value: timeCell(job.completed) },
    { title: 'Error', value: hasFailed(job) ? errorOf(job) : undefined, tone: 'bad' },
  ] as const;
}

const resultLines = ({ jobresult, created }: AsyncJob): readonly string[] =>
  (jobresult?.templatedeployment ?? []).map((deployment) => outcomeOf(deployment, parseTime(created)).line);
