/** The disc of first boot data, as the programs of others read it. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedDisc } from '../../hypervisor/seed-disc.ts';
import { needing } from '../support/programs.ts';

const FILES = {
  'meta-data': '{"instance-id": "i-1"}\n',
  'network-config': Buffer.alloc(2048, 'n'),
  'user-data': Buffer.from([0x1f, 0x8b, 0x00, 0xff, 0x0a, 0x0d]),
};

needing('xorriso', 'blkid')('a disc of first boot data', () => {
  let folder: string;
  let disc: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bypass-disc-'));
    disc = join(folder, 'disc.iso');
    await writeFile(disc, seedDisc('cidata', FILES));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    ['Rock Ridge', 'nojoliet'],
    ['Joliet', 'norock'],
  ])('has each file byte for byte by its name of %s', async (_tree, read) => {
    const to = join(folder, read);
    const extract = ['-no_rc', '-osirrox', 'on', '-read_fs', read, '-indev', disc, '-extract', '/', to];
    execFileSync('xorriso', extract, { stdio: 'ignore' });
    expect((await readdir(to)).toSorted()).toEqual(Object.keys(FILES));
    for (const [name, content] of Object.entries(FILES))
      expect((await readFile(join(to, name))).equals(Buffer.from(content as string))).toBe(true);
  });

  test('has an empty file as well, and all files are for reading', async () => {
    const other = join(folder, 'empty.iso');
    await writeFile(other, seedDisc('cidata', { 'user-data': '', 'meta-data': 'x' }));
    const list = ['-no_rc', '-indev', other, '-find', '/', '-type', 'f', '-exec', 'lsdl', '--'];
    const found = execFileSync('xorriso', list, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    expect(found).toMatch(/^-r--r--r-- .* 1 [^']*'\/meta-data'$/m);
    expect(found).toMatch(/^-r--r--r-- .* 0 [^']*'\/user-data'$/m);
  });

  test('is found by type and label', () => {
    const found = execFileSync('blkid', ['-p', '-o', 'export', disc], { encoding: 'utf8' });
    expect(found.split('\n')).toEqual(expect.arrayContaining(['TYPE=iso9660', 'LABEL=cidata']));
  });

  // BusyBox tries one kind of file system after the other, and gives up where one of them would lie beyond the end.
  test('has the 68 KiB that BusyBox reads, however little is in its files', () => {
    expect(seedDisc('cidata', { 'meta-data': '', 'user-data': '' }).length).toBeGreaterThanOrEqual(68 * 1024);
  });

  test('takes no more files than its root holds', () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`file-${number}`, '']));
    expect(() => seedDisc('cidata', many)).toThrow('too many files');
  });
});
