/** What the real qemu-img makes is taken, and what it finds corrupt is not. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { qcow2Disk } from '../../support/hostile-images.ts';
import { qcow2Image } from '../../support/images.ts';
import { casesOfForm, isFullRun, needing } from '../../support/programs.ts';
import { openInspectionLab, said } from '../../support/inspection-lab.ts';
import type { InspectionLab } from '../../support/inspection-lab.ts';
import { checkFaults, checkStatus, createQcow2, run, write } from '../../support/qemu.ts';

const withQemu = needing('qemu-img');
const withXorriso = needing('xorriso');
const inFull = isFullRun ? withQemu : describe.skip;

const DATA = [
  'write -P 1 0 1M',
  'write -P 2 33M 70k',
  'write -z 8M 1M',
  'write -P 3 60M 512',
  'discard 200k 64k',
];

let lab: InspectionLab;
let path: string;
beforeAll(async () => {
  lab = await openInspectionLab();
  path = join(lab.folder, 'qemu.qcow2');
});
afterEach(() => rm(path, { force: true }));
afterAll(() => lab.close());

withQemu('images of the real qemu-img', () => {
  const options = [
    [],
    ['extended_l2=on', 'cluster_size=16k'],
    ['preallocation=metadata', 'compat=0.10'],
    ['refcount_bits=1'],
    ['cluster_size=512'],
    ['cluster_size=2M'],
    ['compat=0.10'],
    ['compat=1.1', 'lazy_refcounts=on'],
    ['extended_l2=on'],
    ['compression_type=zstd'],
    ['preallocation=metadata'],
    ['preallocation=falloc'],
    ['preallocation=full'],
    ['preallocation=metadata', 'extended_l2=on'],
    ...['2', '4', '8', '32', '64'].map((bits) => [`refcount_bits=${bits}`]),
    ...['4k', '16k', '64k', '256k', '1M'].map((size) => [`cluster_size=${size}`]),
  ];

  it.each(casesOfForm(options, 6).map((each) => [each.join(', ') || 'no options', each] as const))(
    'with %s are taken, empty and with data',
    async (_, each) => {
      createQcow2(path, each);
      expect(said(await lab.judgePath(path, 'QCOW2'))).toBe('accepted');
      write(path, ...DATA);
      expect(checkStatus(path)).toBe(0);
      expect(said(await lab.judgePath(path, 'QCOW2'))).toBe('accepted');
    },
  );

  const compressed: readonly (readonly [what: string, options: readonly string[]])[] = [
    ['zstd and subclusters', ['-o', 'compression_type=zstd,extended_l2=on']],
    ['zlib in clusters of 512 bytes', ['-o', 'cluster_size=512']],
    ['zlib', []],
    ['zstd', ['-o', 'compression_type=zstd']],
    ['zlib in clusters of 2 MiB', ['-o', 'cluster_size=2M']],
    ['zstd in clusters of 2 MiB', ['-o', 'compression_type=zstd,cluster_size=2M']],
    ['zlib in version 2', ['-o', 'compat=0.10']],
  ];
  it.each(casesOfForm(compressed, 2))('compressed with %s are taken', async (_, each) => {
    const source = join(lab.folder, 'source.raw');
    await writeFile(source, Buffer.alloc(3 * 1_048_576 + 512, 'compress me, '));
    run('qemu-img', 'convert', '-c', '-f', 'raw', '-O', 'qcow2', ...each, source, path);
    const verdict = await lab.judgePath(path, 'QCOW2');
    expect(said(verdict)).toBe('accepted');
    const tables = verdict.accepted ? verdict.facts.evidence?.qcow2?.tables : undefined;
    expect(tables?.compressedClusters).toBeGreaterThan(0);
    expect(tables?.dataClusters).toBe(0);
  });

  it('that were made larger and smaller are taken', async () => {
    createQcow2(path);
    write(path, ...DATA);
    run('qemu-img', 'resize', '-q', '-f', 'qcow2', path, '100G');
    write(path, 'write -P 9 99G 1M');
    expect(said(await lab.judgePath(path, 'QCOW2'))).toBe('accepted');
    run('qemu-img', 'resize', '-q', '-f', 'qcow2', '--shrink', path, '1M');
    expect(said(await lab.judgePath(path, 'QCOW2'))).toBe('accepted');
  });

  it('of 16 TiB with data at its end are taken', async () => {
    createQcow2(path, [], '16T');
    write(path, 'write -P 9 15T 1M', 'write -P 8 0 64k');
    expect(await lab.judgePath(path, 'QCOW2')).toMatchObject({
      facts: {
        virtualSize: 16 * 2 ** 40,
        evidence: { qcow2: { tables: { l2Tables: 2, dataClusters: 17 } } },
      },
    });
  });

  it('with snapshots are taken where they are allowed, and when they are gone', async () => {
    createQcow2(path);
    write(path, ...DATA);
    for (const name of ['a', 'b', 'a snapshot with a long name'])
      run('qemu-img', 'snapshot', '-c', name, path);
    write(path, 'write -P 7 0 2M');
    run('qemu-img', 'resize', '-q', '-f', 'qcow2', path, '2G');
    write(path, 'write -P 7 1G 2M');
    run('qemu-img', 'snapshot', '-c', 'last', path);
    expect(checkStatus(path)).toBe(0);
    expect(said(await lab.judgePath(path, 'QCOW2'))).toMatch(/holds 4 internal snapshots/);
    expect(said(await lab.judgePath(path, 'QCOW2', { allowSnapshots: true }))).toBe('accepted');
    for (const name of ['a', 'b', 'a snapshot with a long name', 'last'])
      run('qemu-img', 'snapshot', '-d', name, path);
    expect(said(await lab.judgePath(path, 'QCOW2'))).toBe('accepted');
  });

  it('with dirty bitmaps are taken where they are allowed', async () => {
    createQcow2(path, [], '1G');
    run('qemu-img', 'bitmap', '--add', path, 'backup-1');
    run('qemu-img', 'bitmap', '--add', '-g', '4k', path, 'backup-2');
    write(path, ...DATA);
    expect(checkStatus(path)).toBe(0);
    expect(said(await lab.judgePath(path, 'QCOW2'))).toMatch(/holds dirty bitmaps/);
    expect(said(await lab.judgePath(path, 'QCOW2', { allowBitmaps: true }))).toBe('accepted');
  });

  const backings = [
    ['/etc/passwd', 'raw'],
    ['json:{"driver":"file","filename":"/etc/passwd"}', 'raw'],
    ['http://127.0.0.1:9/a.qcow2', 'qcow2'],
    ['nbd:127.0.0.1:9', 'raw'],
    ['ssh://127.0.0.1/etc/passwd', 'raw'],
  ] as const;
  it.each(casesOfForm(backings, 2))('with the backing file %s are refused', async (backing, format) => {
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-u', '-b', backing, '-F', format, path, '64M');
    expect(said(await lab.judgePath(path, 'QCOW2'))).toMatch(/has a backing file/);
  });

  it('with an external data file are refused', async () => {
    for (const raw of ['off', 'on']) {
      createQcow2(path, [`data_file=${join(lab.folder, 'data')}`, `data_file_raw=${raw}`]);
      expect(said(await lab.judgePath(path, 'QCOW2'))).toMatch(/external data file/);
      await rm(path);
    }
  });

  // LUKS takes seconds to make, as it measures how slow it can be.
  it('encrypted are refused', async () => {
    const secret = ['--object', 'secret,id=s,data=geheim'];
    const aes = ['-o', 'encrypt.format=aes,encrypt.key-secret=s'];
    run('qemu-img', 'create', '-q', ...secret, '-f', 'qcow2', ...aes, path, '1M');
    expect(said(await lab.judgePath(path, 'QCOW2'))).toMatch(/is encrypted/);
  });

  const others: readonly (readonly [format: string, options: readonly string[], name: RegExp])[] = [
    ['vmdk', ['subformat=streamOptimized'], /VMDK/],
    // It is known by its end alone.
    ['vpc', ['subformat=fixed'], /VHD/],
    ['qcow', [], /version 1/],
    ['vmdk', [], /VMDK/],
    ['vmdk', ['subformat=monolithicFlat'], /VMDK/],
    ['vmdk', ['subformat=twoGbMaxExtentSparse'], /VMDK/],
    ['vpc', ['subformat=dynamic'], /VHD/],
    ['vhdx', [], /VHDX/],
    ['vdi', [], /VDI/],
    ['qed', [], /QED/],
    ['parallels', [], /Parallels/],
  ];
  it.each(casesOfForm(others, 3))('of format %s %j are refused by name', async (format, each, name) => {
    const target = join(lab.folder, `foreign.${format}`);
    run('qemu-img', 'create', '-q', '-f', format, ...each.flatMap((one) => ['-o', one]), target, '8M');
    const declared = format === 'qcow' ? 'QCOW2' : 'RAW';
    expect(said(await lab.judgePath(target, declared))).toMatch(name);
  });

  it('as raw are accepted', async () => {
    run('qemu-img', 'create', '-q', '-f', 'raw', path, '8M');
    expect(said(await lab.judgePath(path, 'RAW'))).toBe('accepted');
  });

  it('agree with what our generators make', async () => {
    const guest = [
      { index: 0, kind: 'data' },
      { index: 3, kind: 'compressed' },
      { index: 4, kind: 'zero' },
    ] as const;
    const made = [
      qcow2Image(),
      qcow2Image({ version: 2 }),
      qcow2Disk({ guest }).bytes,
      qcow2Disk({ guest, extendedL2: true }).bytes,
      qcow2Disk({ guest, clusterBits: 12 }).bytes,
    ];
    for (const bytes of made) {
      await writeFile(path, bytes);
      expect(checkStatus(path)).toBe(0);
      expect(said(await lab.judgePath(path, 'QCOW2'))).toBe('accepted');
    }
  });
});

// 16 million clusters: more than one window of them.
inFull('an image of 1 TiB, all of which is mapped', () => {
  it('is judged in little memory', async () => {
    createQcow2(path, ['preallocation=metadata'], '1T');
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }, 5);
    const verdict = await lab.judgePath(path, 'QCOW2');
    clearInterval(timer);
    expect(verdict).toMatchObject({
      facts: { evidence: { qcow2: { tables: { dataClusters: 16_777_216 } } } },
    });
    expect(most).toBeLessThan(64 * 1_048_576);
  });
});

withQemu('what qemu-img check calls corrupt', () => {
  /**
   * Bytes of all tables are changed in turn; what it finds, we find. The short form takes every fifth byte, so that each
   * byte of an entry of 8 gets its turn.
   */
  it('is refused', async () => {
    createQcow2(path, ['cluster_size=4k'], '4M');
    write(path, 'write -P 1 0 64k', 'write -P 2 1M 8k', 'write -z 2M 64k');
    const bytes = await readFile(path);
    const missed: string[] = [];
    const tables = tableBytes(bytes);
    for (const at of tables.filter((_, nth) => isFullRun || nth % 5 === 0)) {
      for (const value of [0x01, 0x80]) {
        const spoilt = Buffer.from(bytes);
        spoilt.writeUInt8(bytes.readUInt8(at) ^ value, at);
        await writeFile(path, spoilt);
        const ours = await lab.judgePath(path, 'QCOW2');
        const faults = ours.accepted ? checkFaults(path) : [];
        if (faults.length > 0) missed.push(`byte ${at}: ${faults.join('; ')}`);
      }
    }
    expect(missed).toEqual([]);
    expect(tables.length).toBeGreaterThan(100);
  });
});

withXorriso('ISO images of the real xorriso', () => {
  it('are accepted, hybrids too', async () => {
    const iso = join(lab.folder, 'made.iso');
    const folder = join(lab.folder, 'content');
    run('mkdir', '-p', folder);
    await writeFile(join(folder, 'a.txt'), 'hello');
    await writeFile(join(folder, 'boot.img'), Buffer.alloc(2048));
    const boot = ['-b', 'boot.img', '-no-emul-boot', '-boot-load-size', '4'];
    const all = [
      [],
      ['-J'],
      boot,
      ['-J', ...boot, '-append_partition', '2', '0xef', join(folder, 'boot.img'), '-appended_part_as_gpt'],
    ];
    for (const options of all) {
      await rm(iso, { force: true });
      run('xorriso', '-as', 'mkisofs', '-quiet', '-V', 'A_LABEL', '-o', iso, ...options, folder);
      const verdict = await lab.judgePath(iso, 'ISO');
      expect(said(verdict)).toBe('accepted');
      expect(verdict).toMatchObject({
        facts: {
          evidence: {
            iso: { label: 'A_LABEL', bootable: options.includes('-b') },
          },
        },
      });
    }
  });
});

/** Bytes of the first entries of every kind of table. */
function tableBytes(bytes: Buffer): readonly number[] {
  const l1 = Number(bytes.readBigUInt64BE(40));
  const refcounts = Number(bytes.readBigUInt64BE(48));
  const block = Number(bytes.readBigUInt64BE(refcounts));
  const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
  const places = [
    [l1, 8],
    [refcounts, 8],
    [block, 24],
    [l2, 64],
    [4, 100],
  ] as const;
  return places.flatMap(([start, length]) => Array.from({ length }, (_, index) => start + index));
}
