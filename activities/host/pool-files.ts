/** The files of a pool: what is there, what is in use, and the removal of what nothing uses. */
import { filesInUse } from '../../hypervisor/files-in-use.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import type { Pool } from '../../images/pools/pool.ts';
import { ImageError } from '../../model/failures.ts';
import type { QuickActivities } from '../../model/host-activities.ts';
import { filesInUseJob, listPoolFilesJob, removePoolFilesJob } from '../../model/messages/pool-files.ts';
import type { KeptFile, ListedFile, PoolFile } from '../../model/pool-files.ts';
import { withHeartbeats } from '../context.ts';
import type { HostActivityDeps } from './deps.ts';
import { withReadJob } from './jobs.ts';

/** Bytes of the files in one answer, which is kept in a history. */
const MAX_ANSWER = 200_000;

interface Deps extends Pick<HostActivityDeps, 'hostId' | 'pools'> {
  /** Absent where the host has no libvirt. */
  readonly hypervisor?: Pick<Hypervisor, 'pathsOfDomains'> | undefined;
}

export const createPoolFileActivities = (
  deps: Deps,
): Pick<QuickActivities, 'listPoolFiles' | 'filesInUse' | 'removePoolFiles'> => {
  const { hostId, pools } = deps;
  return {
    listPoolFiles: withReadJob(listPoolFilesJob, ({ poolId, after = '' }) =>
      withHeartbeats(null, async () => {
        const files = (await (await pools.require(poolId)).files()).filter(({ name }) => name > after);
        const page = pageOf(files);
        return { v: 1, hostId, files: page, more: page.length < files.length };
      }),
    ),

    filesInUse: withReadJob(filesInUseJob, ({ poolId, names, copyIds }) =>
      withHeartbeats(null, async ({ signal }) => {
        const used = await usedFiles(await pools.require(poolId), deps, signal);
        const images = new Set(used.flatMap(({ role, id }) => (role === 'image' ? [id] : [])));
        const usedNames = new Set(used.map(({ name }) => name));
        return {
          v: 1,
          hostId,
          names: names.filter((name) => usedNames.has(name)),
          copyIds: copyIds.filter((id) => images.has(id)),
        };
      }),
    ),

    removePoolFiles: withReadJob(removePoolFilesJob, ({ poolId, files }) =>
      withHeartbeats(null, async ({ signal }) => {
        const pool = await pools.require(poolId);
        const { removed, kept } = await removeUnused(pool, files, deps, signal);
        return { v: 1, hostId, removed, kept, pool: await pool.report() };
      }),
    ),
  };
};

function pageOf(files: readonly PoolFile[]): readonly PoolFile[] {
  let bytes = 0;
  const end = files.findIndex((file, index) => {
    bytes += JSON.stringify(file).length;
    return bytes > MAX_ANSWER && index > 0;
  });
  return end === -1 ? files : files.slice(0, end);
}

const usedFiles = async (pool: Pool, deps: Deps, signal: AbortSignal): Promise<readonly PoolFile[]> =>
  filesInUse(pool, await pathsOfDomains(deps), signal);

/** A host without libvirt has no domains; one whose libvirt does not answer may have some. */
async function pathsOfDomains({ hypervisor }: Deps): Promise<readonly string[]> {
  try {
    return (await hypervisor?.pathsOfDomains()) ?? [];
  } catch (error) {
    if (error instanceof ImageError && error.kind === 'HypervisorMissing') return [];
    throw error;
  }
}

async function removeUnused(
  pool: Pool,
  files: readonly ListedFile[],
  deps: Deps,
  signal: AbortSignal,
): Promise<{ readonly removed: readonly string[]; readonly kept: readonly KeptFile[] }> {
  const used = new Set((await usedFiles(pool, deps, signal)).map(({ name }) => name));
  const removed: string[] = [];
  const kept: KeptFile[] = [];
  for (const file of files) {
    signal.throwIfAborted();
    const { name } = file;
    const reason = used.has(name) ? IN_USE : await pool.removeFile(file);
    if (reason === undefined) removed.push(name);
    else kept.push({ name, reason });
  }
  return { removed, kept };
}

const IN_USE = 'is used by a virtual machine, or another disk stands on it';
