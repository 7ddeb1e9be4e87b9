/** Serves a small image, for measurements that do not depend on its bytes. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { serveFile } from './origin.ts';
import { writeRandomFile } from './random-file.ts';

/** The smallest file of which a probe reads as much as of a large one. */
const IMAGE_BYTES = 1_048_576;

export async function withImage<T>(
  folder: string,
  signal: AbortSignal,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const root = join(folder, 'source');
  await mkdir(root);
  const file = join(root, 'image.raw');
  await writeRandomFile(file, IMAGE_BYTES, signal);
  const server = await serveFile(file, folder);
  try {
    return await use(server.url);
  } finally {
    await server.close();
  }
}
