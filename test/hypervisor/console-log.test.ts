import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConsoleLogs } from '../../hypervisor/console-log.ts';
import type { ConsoleLogs } from '../../hypervisor/console-log.ts';

const LIMIT = 100_000;

let folder: string;
let logs: ConsoleLogs;
let vmId: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-consoles-'));
  logs = openConsoleLogs(folder, LIMIT);
  vmId = randomUUID();
});
afterEach(() => rm(folder, { recursive: true }));

const read = async (bytes = 65_536): Promise<readonly [string, number]> => {
  const { output, size } = await logs.read(vmId, bytes);
  return [output.toString(), size];
};

test('a machine without a log has an empty one', async () => {
  expect(await read()).toEqual(['', 0]);
});

test('the end of a log is read across its parts, and its length counts those that are gone', async () => {
  const path = logs.pathOf(vmId);
  await writeFile(path, 'first ');
  expect(await read()).toEqual(['first ', 6]);
  // As virtlogd turns a log over.
  await rename(path, `${path}.0`);
  await writeFile(path, 'second ');
  expect(await read()).toEqual(['first second ', 13]);
  expect(await read(9)).toEqual(['t second ', 13]);
  await rename(path, `${path}.0`);
  await writeFile(path, 'third ');
  expect(await read()).toEqual(['second third ', 19]);
  await appendFile(path, 'and more');
  expect(await read(4)).toEqual(['more', 27]);
  expect(await openConsoleLogs(folder).read(vmId, 0)).toMatchObject({ size: 27 });
});

test('a log that libvirt does not limit is shortened in place, keeps its end, and grows on', async () => {
  const path = logs.pathOf(vmId);
  await writeFile(path, `${'x'.repeat(LIMIT)}the end`);
  const { ino } = await stat(path);
  await logs.trim();
  expect(await stat(path)).toMatchObject({ ino, size: 0 });
  expect(await read(7)).toEqual(['the end', LIMIT + 7]);
  // QEMU appends to the file that it has open.
  await appendFile(path, ', and on');
  expect(await read(15)).toEqual(['the end, and on', LIMIT + 15]);
  await logs.trim();
  expect(await read(15)).toEqual(['the end, and on', LIMIT + 15]);
  expect(await logs.remove(vmId)).toBe(3);
  expect(await read()).toEqual(['', 0]);
});
