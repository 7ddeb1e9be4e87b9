/** Looks into the folder of a pool of files. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTS_FOLDER } from '../../images/pools/files/part-file.ts';

/** Names in the root of a pool, without the marker and the folder of part files; none when the root is absent. */
export const publishedIn = async (root: string): Promise<readonly string[]> =>
  (await namesIn(root)).filter((name) => !name.startsWith('.bypass-'));

/** Names in the folder of part files. */
export const partsIn = (root: string): Promise<readonly string[]> => namesIn(join(root, PARTS_FOLDER));

const namesIn = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);
