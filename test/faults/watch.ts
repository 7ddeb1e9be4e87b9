/** Looks, all through a fault run, at what must hold at every moment. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asApiError } from '../../api/server/known-errors.ts';
import { guestProcesses } from '../end-to-end/machines.ts';
import { disagreements } from './agreement.ts';
import type { Seen } from './allowance.ts';
import type { Findings } from './findings.ts';
import type { Fleet } from './fleet.ts';
import { lookInto, partBytes, writtenBy } from './pool-files.ts';
import type { Published } from './pool-files.ts';
import { copiesIn, copiesWithSeveralRows, failedTriesAfter, jobsIn, machinesIn } from './rows.ts';
import type { CopyRow, FailedTry } from './rows.ts';
import type { Truth } from './truth.ts';

export interface Watch {
  /** Downloads that were seen under way. */
  readonly downloads: readonly Seen[];
  readonly failedTries: readonly FailedTry[];
  /** How often it looked, with and without an answer of the database. */
  rounds(): { readonly all: number; readonly withDatabase: number };
  stop(): Promise<void>;
}

const PAUSE_MS = 1000;
/** Milliseconds after which upkeep has found a row without a workflow, and for which a closed workflow may be listed. */
const DISAGREEMENT_MS = 240_000;

export function startWatch(fleet: Fleet, truth: Truth, findings: Findings): Watch {
  const { lab, zoneId, hosts, pools } = fleet;
  const paths = pools.map(({ path }) => path);
  const files = lookInto(paths);
  const stopping = new AbortController();
  const downloads: Seen[] = [];
  const failedTries: FailedTry[] = [];
  const ended = new Map<string, string>();
  /** Names of files, and the copies or templates that they were seen to belong to. */
  const templates = new Map<string, string>();
  const since = new Map<string, number>();
  let missing = new Set<string>();
  let twice = new Set<string>();
  const rounds = { all: 0, withDatabase: 0 };

  const judgeFile = ({ path, name, sha256 }: Published): void => {
    if (!truth.hashes.has(sha256))
      findings.violated('files', `${path} has SHA-256 ${sha256}, which is no image's`);
    const template = truth.templates.find(({ wanted }) => wanted.name === templates.get(name));
    if (template !== undefined && template.sha256 !== sha256)
      findings.violated('files', `${path} is not the image of ${template.wanted.name}`);
  };

  const lookAtReady = async (rows: readonly CopyRow[]): Promise<void> => {
    const now = new Set<string>();
    for (const { uuid, state, path, installPath, size, updated } of rows) {
      if (state !== 'Ready') continue;
      const found = await stat(join(path, installPath ?? uuid)).catch(() => undefined);
      // A removal may have begun after the rows were read: it is read again before that counts.
      if (found?.size !== size) now.add(`${path}/${uuid} of ${updated.toISOString()}`);
    }
    for (const one of now)
      if (missing.has(one)) findings.violated('files', `${one} is Ready, and its file is not there`);
    missing = now;
  };

  const indexOf = (name: string | null): number => hosts.findIndex((host) => host.name === name);
  const lookAtDownloads = async (rows: readonly CopyRow[]): Promise<void> => {
    const at = Date.now();
    for (const { uuid, template, state, fetching, host, parent, path } of rows) {
      if (state !== 'Creating' || fetching === null) continue;
      downloads.push({
        at,
        copyId: uuid,
        template,
        host: indexOf(host),
        parent: fetching === 'peer' ? indexOf(parent) : undefined,
        bytes: await partBytes(path, uuid),
      });
    }
  };

  const lookAtJobs = async (): Promise<void> => {
    for (const { uuid, command, end } of await jobsIn(lab.db)) {
      const before = ended.get(uuid);
      if (before !== undefined && before !== end)
        findings.violated('jobs', `${command} ${uuid} ended twice: ${before}; ${end}`);
      if (end !== null) ended.set(uuid, end);
    }
  };

  const lookAtDatabase = async (): Promise<void> => {
    const rows = await copiesIn(lab.db, zoneId);
    for (const { uuid, template } of rows) templates.set(uuid, template);
    await lookAtReady(rows);
    await lookAtDownloads(rows);
    await lookAtJobs();
    for (const one of await copiesWithSeveralRows(lab.db)) findings.violated('rows', one);
    for (const one of await failedTriesAfter(lab.db, failedTries.at(-1)?.id ?? 0)) {
      failedTries.push(one);
      findings.log(`${one.host}: ${one.template} from ${one.source}: ${one.kind}: ${one.error}`);
    }
    if (truth.machines.length > 0) await lookAtMachines();
  };

  const lookAtMachines = async (): Promise<void> => {
    const now = new Set<string>();
    const rows = await machinesIn(lab.db, zoneId);
    for (const { uuid } of rows) {
      const { instancename = '' } =
        (await lab.db
          .selectFrom('vm_instance')
          .where('uuid', '=', uuid)
          .select('instance_name as instancename')
          .executeTakeFirst()) ?? {};
      const guests = await guestProcesses(instancename);
      if (guests.length > 1) now.add(`${instancename} runs as processes ${guests.join(' and ')}`);
    }
    // A process that begins is there twice for a moment, until it runs another program.
    for (const one of now) if (twice.has(one)) findings.violated('machines', one);
    twice = now;
    const names = rows.map(({ name }) => name);
    for (const name of names)
      if (names.filter((one) => one === name).length > 1)
        findings.violated('machines', `${name} is there twice`);
  };

  const lookAtWriters = async (): Promise<void> => {
    const writers = new Map<string, string>();
    for (const host of hosts) {
      for (const file of await writtenBy(host.pid(), paths)) {
        const [inode = ''] = file.split(' ');
        const other = writers.get(inode);
        if (other !== undefined) findings.violated('writers', `${host.name} and ${other} write ${file}`);
        writers.set(inode, host.name);
      }
    }
  };

  const lookAtAgreement = async (): Promise<void> => {
    const now = await disagreements(lab);
    if (now === undefined) return since.clear();
    for (const one of since.keys()) if (!now.includes(one)) since.delete(one);
    for (const one of now) {
      const first = since.get(one) ?? Date.now();
      since.set(one, first);
      if (Date.now() - first > DISAGREEMENT_MS) findings.violated('agreement', `for minutes, ${one}`);
    }
  };

  const watching = (async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      rounds.all += 1;
      const answered = await lookAtDatabase().then(
        () => true,
        (error: unknown) => {
          if (asApiError(error) === undefined) throw error;
          return false;
        },
      );
      if (answered) rounds.withDatabase += 1;
      for (const file of await files.fresh()) judgeFile(file);
      await lookAtWriters();
      await lookAtAgreement();
      await sleep(PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  // Awaited by `stop`; a violation of the test itself must not end the process before.
  watching.catch(() => undefined);

  return {
    downloads,
    failedTries,
    rounds: () => ({ ...rounds }),
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}
