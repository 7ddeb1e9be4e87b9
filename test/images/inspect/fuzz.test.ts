/**
 * Random changes to images: the outcome is a verdict, soon and in little memory. A few seconds in `npm test`, minutes
 * with BYPASS_TEST_FULL=1. A failure names its seed; BYPASS_FUZZ_SEED starts there.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectHead } from '../../../images/inspect/inspect.ts';
import { ImageRefused } from '../../../images/image-refused.ts';
import { FOREIGN_HEADS } from '../../support/foreign-heads.ts';
import { FOREIGN, gptDisk, hybridDisk, POLYGLOTS, qcow2Disk } from '../../support/hostile-images.ts';
import type { Disk, DiskOptions } from '../../support/hostile-images.ts';
import { isoImage } from '../../support/images.ts';
import { openInspectionLab } from '../../support/inspection-lab.ts';
import type { InspectionLab } from '../../support/inspection-lab.ts';
import { below, createRandom, mutate, pick } from '../../support/mutations.ts';
import type { Interesting } from '../../support/mutations.ts';
import { FIRST_SEED, fuzz, fuzzTimeout } from '../../support/fuzzing.ts';
import { isFullRun, needing } from '../../support/programs.ts';
import { checkFaults } from '../../support/qemu.ts';

const ROUNDS = { short: 300, full: 100_000 };
const CHECKED = isFullRun ? 10_000 : 25;

interface Seed {
  readonly bytes: Buffer;
  readonly interesting: Interesting;
}

const GUEST = [
  { index: 0, kind: 'data' },
  { index: 1, kind: 'compressed' },
  { index: 2, kind: 'zero' },
  { index: 70, kind: 'data' },
] as const;

function disk(options: DiskOptions): Seed {
  const made: Disk = qcow2Disk({ guest: GUEST, ...options });
  const tables = [made.l1, made.refcountTable, made.refcountBlock, ...made.l2.values()];
  return { bytes: made.bytes, interesting: [[0, 112], [112, 64], ...tables.map((at) => [at, 64] as const)] };
}

const extensions = [
  { type: 0x6803f857, data: Buffer.alloc(48) },
  { type: 0x23852875, data: Buffer.alloc(24) },
];

const QCOW2: readonly Seed[] = [
  disk({ clusterBits: 9, virtualSize: 65_536n }),
  disk({ clusterBits: 12 }),
  disk({ clusterBits: 14, extendedL2: true }),
  disk({ clusterBits: 12, version: 2, guest: GUEST.filter(({ kind }) => kind !== 'zero') }),
  disk({ clusterBits: 9, virtualSize: 65_536n, snapshots: 1 }),
  disk({ clusterBits: 12, autoclear: 1n, extensions }),
];

const OTHERS: readonly Seed[] = [
  {
    bytes: isoImage(64 * 2048, true),
    interesting: [
      [0x8000, 192],
      [0x8800, 64],
      [440, 80],
    ],
  },
  ...[gptDisk(128 * 1024), hybridDisk([{}])].map((bytes) => ({
    bytes,
    interesting: [
      [440, 200],
      [1024, 128],
    ] as const,
  })),
  ...[...FOREIGN, ...FOREIGN_HEADS, ...POLYGLOTS].map(([, , bytes]) => ({
    bytes,
    interesting: [
      [0, 512],
      [0x8000, 64],
    ] as const,
  })),
];

let lab: InspectionLab;
beforeAll(async () => {
  lab = await openInspectionLab();
});
afterAll(() => lab.close());

it.each([
  ['qcow2', QCOW2],
  ['other', OTHERS],
] as const)(
  'changed %s images are judged, soon and in little memory',
  async (_, seeds) => {
    const make = (seed: number) => {
      const random = createRandom(seed);
      const { bytes, interesting } = pick(random, seeds);
      const changed = mutate(bytes, interesting, random);
      const declared = seeds === QCOW2 ? 'QCOW2' : pick(random, ['QCOW2', 'RAW', 'ISO'] as const);
      const lenient = below(random, 2) === 0;
      return { changed, declared, limits: { allowSnapshots: lenient, allowBitmaps: lenient } };
    };
    await fuzz({ rounds: ROUNDS }, make, ({ changed, declared, limits }) =>
      lab.judge(changed, declared, limits),
    );
  },
  fuzzTimeout,
);

it('a head that is cut anywhere is judged', () => {
  const crashes: string[] = [];
  for (const [index, { bytes }] of [...QCOW2, ...OTHERS].entries()) {
    for (let length = 0; length <= 700; length += isFullRun ? 1 : index === 0 ? 7 : 97) {
      for (const declared of ['QCOW2', 'RAW', 'ISO'] as const) {
        for (const size of [length, bytes.length, Number.MAX_SAFE_INTEGER]) {
          const result = outcome(() => inspectHead(bytes.subarray(0, length), size, declared));
          if (result === 'crash')
            crashes.push(`image ${index} cut at ${length}, ${declared} of ${size} bytes`);
        }
      }
    }
  }
  expect(crashes).toEqual([]);
});

function outcome(inspect: () => unknown): 'accepted' | 'refused' | 'crash' {
  try {
    inspect();
    return 'accepted';
  } catch (error) {
    return error instanceof ImageRefused ? 'refused' : 'crash';
  }
}

needing('qemu-img')('whatever is taken', () => {
  it(
    'has no fault that qemu-img check finds and that could harm',
    async () => {
      const path = join(lab.folder, 'image');
      const wrong: string[] = [];
      for (let seed = FIRST_SEED; seed < FIRST_SEED + CHECKED; seed += 1) {
        const random = createRandom(seed + 1_000_000);
        const { bytes, interesting } = pick(random, QCOW2.slice(0, 4));
        const changed = mutate(bytes, interesting, random);
        const verdict = await lab.judge(changed, 'QCOW2');
        if (!verdict.accepted) continue;
        await writeFile(path, changed);
        const faults = checkFaults(path);
        if (faults.length > 0) wrong.push(`seed ${seed + 1_000_000}: ${faults.join('; ')}`);
      }
      expect(wrong).toEqual([]);
    },
    fuzzTimeout,
  );
});
