/** A host of the control lab whose pool is a real folder: it lists, hashes and removes what is there. */
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPoolFileActivities } from '../../activities/host/pool-files.ts';
import { createPools } from '../../images/pools/pools.ts';
import { POOL_MARKER } from '../../model/names.ts';
import type { DownloadJob } from '../../model/payloads.ts';
import { sha256 } from './images.ts';
import { knownInMemory } from '../labs/host.ts';
import type { ControlLab } from '../labs/control.ts';
import { downloaded } from './scripted-host.ts';
import type { HostScript, ScriptedHost } from './scripted-host.ts';

export interface PoolHost {
  readonly host: ScriptedHost;
  readonly poolId: string;
  /** The pool's folder. */
  readonly root: string;
  /** Paths that domains of the host name. */
  readonly domains: string[];
  /** Writes a file into the pool, with its folder of part files if need be. */
  write(name: string, content: string | Buffer): Promise<void>;
  read(name: string): Promise<string>;
  has(name: string): Promise<boolean>;
}

export interface PoolHosts {
  /** @param pool name of the pool that it shares; default: one of its own */
  add(name: string, pool?: string, script?: HostScript): Promise<PoolHost>;
  close(): Promise<void>;
}

const CONTENT = 'the published image';

export function openPoolHosts(lab: ControlLab): PoolHosts {
  const roots = new Map<string, string>();
  const rootOf = async (pool: string, shared: boolean): Promise<string> => {
    const known = roots.get(pool);
    if (known !== undefined) return known;
    const root = await mkdtemp(join(tmpdir(), 'bypass-pool-'));
    roots.set(pool, root);
    const marker = { v: 1, id: lab.poolId(pool), name: pool, ...kindOf(shared) };
    await writeFile(join(root, POOL_MARKER), JSON.stringify(marker));
    return root;
  };
  return {
    async add(name, pool, script = {}) {
      const root = await rootOf(pool ?? name, pool !== undefined);
      const config = { path: root, name: pool ?? name, ...kindOf(pool !== undefined), create: false };
      const pools = createPools([config], knownInMemory());
      const domains: string[] = [];
      const hypervisor = { pathsOfDomains: () => Promise.resolve(domains) };
      const files = () => createPoolFileActivities({ hostId: host.hostId, pools, hypervisor });
      const host: ScriptedHost = await lab.addHost({
        name,
        ...(pool === undefined ? {} : { pool }),
        uploads: 1,
        script: {
          listPoolFiles: (job) => files().listPoolFiles(job),
          filesInUse: (job) => files().filesInUse(job),
          removePoolFiles: (job) => files().removePoolFiles(job),
          async remove({ poolId, copyId }) {
            const found = await pools.require(poolId);
            return { v: 1, hostId: host.hostId, files: await found.remove(copyId), pool: host.pool() };
          },
          async download(job: DownloadJob) {
            await writeFile(join(root, job.copyId), CONTENT);
            return { ...downloaded(host.hostId, job, host.pool()), sha256: sha256(Buffer.from(CONTENT)) };
          },
          ...script,
        },
      });
      return {
        host,
        poolId: lab.poolId(pool ?? name),
        root,
        domains,
        async write(file, content) {
          await mkdir(join(root, '.bypass-parts'), { recursive: true });
          await writeFile(join(root, file), content);
        },
        read: (file) => readFile(join(root, file), 'utf8'),
        has: (file) =>
          access(join(root, file)).then(
            () => true,
            () => false,
          ),
      };
    },
    async close() {
      for (const root of roots.values()) await rm(root, { recursive: true });
    },
  };
}

const kindOf = (shared: boolean) =>
  shared
    ? ({ type: 'SharedMountPoint', scope: 'CLUSTER' } as const)
    : ({ type: 'Filesystem', scope: 'HOST' } as const);
