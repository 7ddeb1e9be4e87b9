/**
 * Downloads from origins that answer at random: the right bytes or a failure that is known, soon, and nothing else. Then
 * the origin answers well, and whatever was left on the pool does not keep the download from its end.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { download } from '../../../images/attempt/download.ts';
import type { DownloadedImage } from '../../../images/attempt/download.ts';
import { removeCopy } from '../../../images/pools/files/remove.ts';
import { ImageError } from '../../../model/failures.ts';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { fuzz, fuzzTimeout } from '../../support/fuzzing.ts';
import { startHostileOrigin } from '../../support/hostile-origin.ts';
import type { Behaviour, HostileOrigin } from '../../support/hostile-origin.ts';
import { sha256 } from '../../support/images.ts';
import { createRandom } from '../../support/mutations.ts';
import { lyingOrigin, truthfulOrigin, VERSIONS } from '../../support/random-origin.ts';
import type { RandomOrigin } from '../../support/random-origin.ts';

const MOST_MS = 30_000;
const http = { headersMs: 200, idleMs: 200, connectMs: 2000, minimumRate: 0 };
const rounds = { short: 4, full: 500 };
/** Each input makes several connections, whose garbage adds up. */
const measureEvery = 5;
let lab: DownloadLab;
let server: HostileOrigin;
let behaviour: Behaviour = (hostile) => hostile.answer();

beforeAll(async () => {
  lab = await openDownloadLab();
  server = await startHostileOrigin({ a: (hostile) => behaviour(hostile) }, { body: Buffer.alloc(0) });
});
afterAll(async () => {
  await server.close();
  await lab.close();
});

interface Case {
  readonly copyId: string;
  readonly origin: RandomOrigin;
  readonly given: { readonly size?: number; readonly checksum?: string };
}

/** @returns undefined when it failed in a known way */
async function attempt({ copyId, given }: Case): Promise<DownloadedImage | undefined> {
  const request = lab.request({ url: server.url('a'), copyId, ...given });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it takes longer than ${MOST_MS} ms`)), MOST_MS);
  });
  try {
    return await Promise.race([download(request, lab.deps({ http, checkpointBytes: 40_000 })), late]);
  } catch (error) {
    if (error instanceof ImageError && error.kind !== 'HostFault' && error.class !== 'host') return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function requireOneOf(image: DownloadedImage | undefined, versions: readonly Buffer[]): Promise<void> {
  const published = await lab.published();
  if (published.length !== (image === undefined ? 0 : 1)) throw new Error(`published: ${published.join()}`);
  if (image === undefined) return;
  const bytes = await readFile(image.localPath);
  if (!versions.some((version) => version.equals(bytes))) throw new Error('a wrong file is published');
  if (image.sha256 !== sha256(bytes)) throw new Error('another checksum is reported');
  const parts = await lab.parts();
  if (parts.length > 0) throw new Error(`left behind: ${parts.join()}`);
}

/** @param again attempts that it may take once the origin answers well */
async function check(one: Case, versions: readonly Buffer[], again: number): Promise<void> {
  try {
    behaviour = one.origin.behaviour;
    let image: DownloadedImage | undefined;
    for (let n = 0; n < 3 && image === undefined; n += 1) {
      image = await attempt(one);
      await requireOneOf(image, versions);
    }
    const last = one.origin.settle();
    for (let n = 0; n < again && image === undefined; n += 1) {
      image = await attempt(one);
      await requireOneOf(image, [last]);
    }
    if (image === undefined) throw new Error('it fails although the origin answers well');
  } finally {
    await removeCopy(lab.pool, one.copyId);
  }
}

test(
  'one that tells the truth, without a checksum: the file is one version, never two',
  () =>
    fuzz(
      { rounds, measureEvery },
      (seed) => ({ copyId: randomUUID(), origin: truthfulOrigin(createRandom(seed)), given: {} }),
      (one) => check(one, VERSIONS, 1),
    ),
  fuzzTimeout,
);

test(
  'one that lies, with a checksum: the file is the right one',
  () => {
    const [file = Buffer.alloc(0)] = VERSIONS;
    const checksum = `{SHA-256}${sha256(file)}`;
    return fuzz(
      { rounds, measureEvery },
      (seed) => {
        const given = { checksum, ...(seed % 2 === 0 ? {} : { size: file.length }) };
        return { copyId: randomUUID(), origin: lyingOrigin(createRandom(seed)), given };
      },
      (one) => check(one, [file], 2),
    );
  },
  fuzzTimeout,
);
