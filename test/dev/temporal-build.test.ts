import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporalPrograms } from '../../dev/temporal-build.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-build-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

const printed: string[] = [];
const build = (searchPath: readonly string[]) =>
  temporalPrograms({
    print: (line) => void printed.push(line),
    signal: new AbortController().signal,
    environment: { searchPath, home: folder, cacheHome: folder },
  });

/** A program `go` that says its version, and fails at all else. */
async function fakeGo(version: string): Promise<string> {
  const go = join(folder, 'go');
  const script = `#!/bin/sh\n[ "$1" = version ] && { echo "go version ${version} linux/amd64"; exit; }\necho "no network" >&2; exit 1\n`;
  await writeFile(go, script);
  await chmod(go, 0o755);
  return folder;
}

test('without Go the error says what to install, and what needs no Go', async () => {
  await expect(build([folder])).rejects.toThrow(
    /program go was not found: install Go 1\.21 or newer .*`npm start` runs Temporal without it/,
  );
});

test('a Go that cannot fetch a newer one is refused', async () => {
  await expect(build([await fakeGo('go1.19.8')])).rejects.toThrow(/too old \(go version go1\.19\.8/);
});

test('a build that fails leaves nothing in the cache, and says why', async () => {
  await expect(build([await fakeGo('go1.26.8')])).rejects.toThrow(/could not be built .*:\nno network/);
  expect(printed.at(-1)).toContain('is built from its Go module, once');
  expect(await readdir(join(folder, 'bypass'))).toEqual([]);
});

test('what was built is used again, without Go', async () => {
  const built = join(folder, 'bypass', 'temporal-server-1.32.2');
  await mkdir(built, { recursive: true });
  await chmod(join(folder, 'bypass'), 0o700);
  expect(await build([])).toEqual({ folder: built, schemas: join(built, 'schema/postgresql/v12') });
});
