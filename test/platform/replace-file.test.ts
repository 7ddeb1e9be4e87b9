import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFile, replaceFile } from '../../platform/replace-file.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-replace-'));
  path = join(folder, 'file.json');
});
afterEach(() => rm(folder, { recursive: true }));

const text = (): Promise<string> => readFile(path, 'utf8');
const mode = async (): Promise<number> => (await stat(path)).mode & 0o777;
const fail = (): Promise<void> => Promise.reject(new Error('not allowed'));

describe('replaceFile', () => {
  it('makes a file that only its owner can read, whatever mode the old one had', async () => {
    await writeFile(path, 'old', { mode: 0o644 });
    await replaceFile(path, 'new');
    expect([await text(), await mode()]).toEqual(['new', 0o600]);
    expect(await readdir(folder)).toEqual(['file.json']);
  });

  it('shows readers the old content or the new one while it is called again and again', async () => {
    const contents = ['a', 'b', 'c'].map((letter) => letter.repeat(200_000));
    await replaceFile(path, contents[0] as string);
    const written = new AbortController();
    const seen = new Set<string>();
    const reading = (async () => {
      while (!written.signal.aborted) seen.add(await text());
    })();
    for (let round = 0; round < 30; round += 1) await replaceFile(path, contents[round % 3] as string);
    written.abort();
    await reading;
    expect([...seen].filter((content) => !contents.includes(content))).toEqual([]);
  });

  it('leaves nothing behind when the path is a folder', async () => {
    await mkdir(path);
    await expect(replaceFile(path, 'new')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await readdir(folder)).toEqual(['file.json']);
  });

  it('leaves the old file as it was when the new one cannot be prepared', async () => {
    await writeFile(path, 'old');
    await expect(replaceFile(path, 'new', { prepare: fail })).rejects.toThrow('not allowed');
    expect(await text()).toBe('old');
    expect(await readdir(folder)).toEqual(['file.json']);
  });
});

describe('createFile', () => {
  it('lets one of several callers create the file, and changes nothing for the others', async () => {
    const made = await Promise.all(['a', 'b', 'c', 'd'].map((content) => createFile(path, content)));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await text()).toBe(['a', 'b', 'c', 'd'][made.indexOf(true)]);
    expect(await mode()).toBe(0o600);
    expect(await readdir(folder)).toEqual(['file.json']);
  });
});
