import { open } from 'node:fs/promises';

/** Changes one byte at each position of a file in place, as a disk that rots does. */
export async function rotAt(path: string, ...positions: readonly number[]): Promise<void> {
  const file = await open(path, 'r+');
  for (const position of positions) {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, position);
  }
  await file.close();
}
