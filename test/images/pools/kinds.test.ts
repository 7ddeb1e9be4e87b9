/** A kind of pool that only tests know: one file (volume-pool.ts), and one line of the table of kinds. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { download } from '../../../images/attempt/download.ts';
import { openPool, POOL_KINDS } from '../../../images/pools/kinds.ts';
import type { PoolKinds } from '../../../images/pools/kinds.ts';
import type { PoolConfig } from '../../../images/pools/pool.ts';
import { createPools } from '../../../images/pools/pools.ts';
import { knownInMemory } from '../../labs/host.ts';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { openVolumes } from '../../support/volume-pool.ts';

const kinds: PoolKinds = { ...POOL_KINDS, SharedMountPoint: openVolumes };

let lab: DownloadLab;
let path: string;
let config: PoolConfig;
beforeEach(async () => {
  lab = await openDownloadLab();
  path = await mkdtemp(join(tmpdir(), 'bypass-volumes-'));
  config = { path, type: 'SharedMountPoint', scope: 'CLUSTER', name: 'volumes', create: true };
});
afterEach(async () => {
  await lab.close();
  await rm(path, { recursive: true });
});

const body = rawDisk(3 * 1_048_576);

test('a pool of a new kind publishes an image, returns it without a fetch, and removes it', async () => {
  const pools = createPools([config], knownInMemory(), kinds);
  const { id = '' } = (await pools.report()).pools[0] ?? {};
  const pool = await pools.require(id);
  lab.server.serve('/a.img', { body });
  const request = lab.request({ url: lab.server.url('/a.img'), pool });
  const image = await download(request, lab.deps());
  expect((await readFile(image.localPath)).equals(body)).toBe(true);
  expect(image).toMatchObject({ size: body.length, sha256: sha256(body), fetched: body.length });
  const again = await download({ ...request, checksum: `{SHA-256}${sha256(body)}` }, lab.deps());
  expect(again).toMatchObject({ localPath: image.localPath, fetched: 0 });
  expect(await pool.remove(request.copyId)).toBe(1);
  expect(await readdir(path)).toEqual([]);
});

test('a refused image leaves no volume on the pool', async () => {
  const pool = await openPool(config, undefined, kinds);
  lab.server.serve('/a.img', { body });
  const request = lab.request({
    url: lab.server.url('/a.img'),
    pool,
    checksum: `{SHA-256}${'0'.repeat(64)}`,
  });
  await expect(download(request, lab.deps())).rejects.toMatchObject({ kind: 'ChecksumMismatch' });
  expect(await readdir(path)).toEqual([]);
});
