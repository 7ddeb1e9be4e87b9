/**
 * A kind of pool that only tests know, added to the table of kinds by one line: a host reports a pool of it, and a template is
 * deployed onto it. Control worker and host activities are real.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { POOL_KINDS } from '../../images/pools/kinds.ts';
import { createPools } from '../../images/pools/pools.ts';
import { withoutProof } from '../../model/answer.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { knownInMemory, openHostLab } from '../labs/host.ts';
import type { HostLab } from '../labs/host.ts';
import { rawDisk, sha256 } from '../support/images.ts';
import { openVolumes } from '../support/volume-pool.ts';

const image = rawDisk(300_000);
let lab: ControlLab;
let hostLab: HostLab;
let folder: string;

beforeAll(async () => {
  lab = await openControlLab();
  folder = await mkdtemp(join(tmpdir(), 'bypass-volumes-'));
});
afterAll(async () => {
  await lab.close();
  await hostLab.close();
  await rm(folder, { recursive: true });
});

test('a template is deployed onto a pool of a new kind', async () => {
  const config = {
    path: folder,
    type: 'SharedMountPoint',
    scope: 'CLUSTER',
    name: 'v',
    create: true,
  } as const;
  const kinds = { ...POOL_KINDS, SharedMountPoint: openVolumes };
  hostLab = await openHostLab({ pools: createPools([config], knownInMemory(), kinds) });
  hostLab.server.serve('/image.raw', { body: image });
  const host = await lab.addHost({
    name: 'kvm-1',
    script: {
      async download(job) {
        const [pool] = (await hostLab.activities.quick.describeHost({ v: 1 })).pools;
        const done = await hostLab.activities.transfer.download({
          ...job,
          poolId: pool?.id ?? '',
          url: hostLab.server.url('/image.raw'),
          mirrors: [],
          format: 'RAW',
          size: image.length,
        });
        return { ...(withoutProof(done) as typeof done), hostId: host.hostId, pool: host.pool() };
      },
    },
  });
  const copy = { templateId: await lab.addTemplate(), poolId: lab.poolId('kvm-1') };
  expect(await lab.finished(await lab.prepare(copy))).toMatchObject({ job_status: 1 });
  const row = await lab.copy(copy);
  expect(row).toMatchObject({ state: 'Ready', sha256: sha256(image) });
  expect(row?.local_path).toContain('/published-1');
  expect((await readFile(row?.local_path ?? '')).equals(image)).toBe(true);
});
