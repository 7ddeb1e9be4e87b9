import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GrowingFile } from '../../../images/unpack/growing-file.ts';
import { noise } from '../../support/images.ts';

const MIB = 1_048_576;

test('a chunk of a growing file stays good while the next one is read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-growing-'));
  const bytes = noise(3 * MIB + 5);
  await writeFile(join(folder, 'file'), bytes);
  const file = await open(join(folder, 'file'));
  try {
    const growing = new GrowingFile(file);
    growing.grow(bytes.length);
    growing.complete();
    const chunks = growing.chunks(new AbortController().signal, () => undefined)[Symbol.asyncIterator]();
    let position = 0;
    for (let next = await chunks.next(); next.done !== true;) {
      const ahead = await chunks.next();
      expect(bytes.subarray(position, position + next.value.length).equals(next.value)).toBe(true);
      position += next.value.length;
      next = ahead;
    }
    expect(position).toBe(bytes.length);
  } finally {
    await file.close();
    await rm(folder, { recursive: true });
  }
});
