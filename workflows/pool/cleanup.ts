/**
 * Keeps the pools of a zone clean, one after the other: jobs that administrators wait for come first, then looks that are due.
 *
 *   look     a host lists the pool → the rows say what each file is → leftovers of ended downloads go → copies that nothing
 *            has used for long go, if the zone says so and every host of the pool says that it does not use them
 *   removal  of files that an administrator named, if every host of the pool says that nothing uses them
 *
 * What must never happen: a removal of what a row, a domain or an overlay needs. So a file is listed before rows are read, is
 * known again by its inode, and the host that removes it looks once more what uses it; a copy goes by the workflow of the
 * copy, which alone decides that; and while a host of the pool does not answer, nothing goes that its domains might use.
 */
import { defineSignal, log, setHandler, uuid4, workflowInfo } from '@temporalio/workflow';
import type { CleanupWork, FoundFile, LookOutcome } from '../../activities/control/cleanup.ts';
import type { NamedHost } from '../../model/failures.ts';
import type { QuickActivities } from '../../model/host-activities.ts';
import { WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import { MAX_FILES_TOLD } from '../../model/pool-files.ts';
import type { CleanupInput, CleanupResult, KeptFile, ListedFile } from '../../model/pool-files.ts';
import type { CleanupTiming } from '../../model/timing.ts';
import { continueAs } from '../continue-as-new.ts';
import { isFailure, messageOf } from '../failures.ts';
import { control, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

export async function cleanup(input: CleanupInput): Promise<CleanupResult> {
  const { zoneId } = input;
  const timing = timingOf('cleanup', input);
  let requested = 0;
  setHandler(wantedSignal, () => {
    requested += 1;
  });
  for (;;) {
    const served = requested;
    const work = await control('See what is to be done').nextCleanup(zoneId);
    if (work === undefined && requested === served) break;
    if (work === undefined) continue;
    show(`Looking at storage pool ${work.poolName}.`, {
      ZoneId: zoneId,
      PoolId: work.poolId,
      State: 'Looking',
    });
    await doUnlessItFails(work, timing);
    if (workflowInfo().continueAsNewSuggested) return continueAs(workflowTypes.cleanup, input);
  }
  show('No pool is to be looked at.', { PoolId: null, State: 'Done' });
  return { v: 1 };
}

/** A pool that cannot be looked at keeps no other one waiting. */
async function doUnlessItFails(work: CleanupWork, timing: CleanupTiming): Promise<void> {
  const { job, poolName, hosts } = work;
  const fail = async (text: string): Promise<void> => {
    log.warn(`storage pool ${poolName}: ${text}`);
    if (job !== undefined) await control('Fail the job').failCleanup(job.jobId, text);
  };
  if (hosts.length === 0)
    return fail(`no host that is Up, enabled and of this release has storage pool ${poolName} mounted`);
  try {
    if (job?.command === 'removeStoragePoolFiles') await removeNamed(work, timing);
    else await look(work, timing);
  } catch (error) {
    if (!isFailure(error)) throw error;
    await fail(messageOf(error));
  }
}

async function look(work: CleanupWork, timing: CleanupTiming): Promise<void> {
  const { poolId, job } = work;
  const about = { poolId, look: uuid4() };
  const dryRun = job?.dryRun === true;
  const { leftovers, host } = await onSomeHost(work, timing, 'List the files', (one) => listWith(one, about));
  const gone = dryRun ? NONE : await removeFiles(host, work, leftovers, timing);
  const {
    copies,
    areRemoved,
    more = 0,
  } = await control('Choose copies that nothing uses').chooseIdleCopies(poolId, dryRun, job !== undefined);
  const used = await usersOf(work, { names: [], copyIds: copies.map(({ copyId }) => copyId) }, timing);
  const unused = copies.filter(({ copyId }) => !used.copyIds.has(copyId));
  const stays = areRemoved ? used.unknown : 'storage.template.cleanup.enabled is false';
  if (stays === undefined && !dryRun && unused.length > 0)
    await control('Have copies that nothing uses removed').retireCopies(unused);
  await control('Record what was found').endLook({
    ...about,
    poolName: work.poolName,
    ...(job === undefined ? {} : { jobId: job.jobId }),
    dryRun,
    ...told(leftovers, gone),
    copies: unused,
    moreCopies: more,
    ...(stays === undefined ? {} : { copiesStay: stays }),
  });
}

/** Of the first leftovers what became of each, and how many there are besides. */
function told(
  leftovers: readonly FoundFile[],
  { removed, kept }: Gone,
): Pick<LookOutcome, 'leftovers' | 'removed' | 'kept' | 'moreLeftovers' | 'removedFiles'> {
  const shown = leftovers.slice(0, MAX_FILES_TOLD);
  const names = new Set(shown.map(({ name }) => name));
  return {
    leftovers: shown,
    removed: removed.filter((name) => names.has(name)),
    kept: kept.filter(({ name }) => names.has(name)),
    moreLeftovers: leftovers.length - shown.length,
    removedFiles: removed.length,
  };
}

interface Gone {
  readonly removed: readonly string[];
  readonly kept: readonly KeptFile[];
}

const NONE: Gone = { removed: [], kept: [] };

async function removeNamed(work: CleanupWork, timing: CleanupTiming): Promise<void> {
  const { poolId, poolName, job, hosts } = work;
  if (job === undefined) return;
  const { jobId, files: chosen = [] } = job;
  const plan = await control('See which files may go').planFileRemoval(poolId, chosen);
  const used = await usersOf(work, { names: plan.files.map(({ name }) => name), copyIds: [] }, timing);
  const free = used.unknown === undefined ? plan.files.filter(({ name }) => !used.names.has(name)) : [];
  const stay = plan.files
    .filter((file) => !free.includes(file))
    .map(({ name }) => ({
      name,
      reason: used.unknown ?? 'is used by a virtual machine, or a disk stands on it',
    }));
  const gone = await removeFiles(hostOf(hosts[0] as NamedHost, timing), work, free, timing);
  await control('Record what was removed').endFileRemoval({
    poolId,
    poolName,
    jobId,
    removed: gone.removed,
    kept: [...plan.kept, ...stay, ...gone.kept],
  });
}

type Host = (summary: string) => QuickActivities;

const hostOf =
  ({ id, name }: NamedHost, { takeMs, runMs, silentMs }: CleanupTiming): Host =>
  (summary) =>
    quick(id, { summary: `${summary} on host ${name}`, takeMs, runMs, silentMs });

/** @throws the last host's failure */
async function onSomeHost<T>(
  { hosts }: CleanupWork,
  timing: CleanupTiming,
  summary: string,
  work: (host: QuickActivities) => Promise<T>,
): Promise<T & { readonly host: Host }> {
  let last: unknown;
  for (const one of hosts) {
    const host = hostOf(one, timing);
    try {
      return { ...(await work(host(summary))), host };
    } catch (error) {
      if (!isFailure(error)) throw error;
      last = error;
    }
  }
  throw last;
}

async function listWith(
  host: QuickActivities,
  about: { readonly poolId: string; readonly look: string },
): Promise<{ readonly leftovers: readonly FoundFile[] }> {
  const leftovers: FoundFile[] = [];
  let after = '';
  for (;;) {
    const listed = await host.listPoolFiles({ v: 1, poolId: about.poolId, after });
    leftovers.push(...(await control('Compare them with the rows').recordPoolFiles(about, listed)));
    const last = listed.files.at(-1);
    if (!listed.more || last === undefined) return { leftovers };
    after = last.name;
  }
}

async function removeFiles(
  host: Host,
  { poolId }: CleanupWork,
  files: readonly ListedFile[],
  { filesAtOnce }: CleanupTiming,
): Promise<Gone> {
  const removed: string[] = [];
  const kept: KeptFile[] = [];
  for (let at = 0; at < files.length; at += filesAtOnce) {
    const some = files.slice(at, at + filesAtOnce).map(({ name, inode }) => ({ name, inode }));
    const result = await host(`Remove ${some.length} files`).removePoolFiles({ v: 1, poolId, files: some });
    await control('Record the removed files').recordRemovedFiles(poolId, result);
    removed.push(...result.removed);
    kept.push(...result.kept);
  }
  return { removed, kept };
}

interface Used {
  readonly names: ReadonlySet<string>;
  readonly copyIds: ReadonlySet<string>;
  /** Why it is not known of every host. */
  readonly unknown?: string;
}

/** Asks every host of the pool which of these its domains use, and on which of them a file of the pool stands. */
async function usersOf(
  { poolId, hosts, silent }: CleanupWork,
  asked: { readonly names: readonly string[]; readonly copyIds: readonly string[] },
  timing: CleanupTiming,
): Promise<Used> {
  const names = new Set<string>();
  const copyIds = new Set<string>();
  let unknown = silent;
  const asking = asked.names.length + asked.copyIds.length === 0 ? [] : hosts;
  for (let at = 0; at < asking.length; at += timing.hostsAtOnce) {
    const some = asking.slice(at, at + timing.hostsAtOnce);
    await Promise.all(
      some.map(async (one) => {
        try {
          const host = hostOf(one, timing)('See what is in use');
          const answer = await host.filesInUse({ v: 1, poolId, ...asked });
          for (const name of answer.names) names.add(name);
          for (const id of answer.copyIds) copyIds.add(id);
        } catch (error) {
          if (!isFailure(error)) throw error;
          unknown = `host ${one.name} does not say what its virtual machines use: ${messageOf(error)}`;
        }
      }),
    );
  }
  return { names, copyIds, ...(unknown === undefined ? {} : { unknown }) };
}
