/**
 * Which files of a pool something uses: a domain of this host, whoever defined it, or an overlay, wherever it is. Files are
 * compared by device and inode, so that it does not matter by which path they are reached. What cannot be read counts as
 * unknown, never as unused: then the whole look fails.
 */
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Element, Node } from '@xmldom/xmldom';
import type { Pool } from '../images/pools/pool.ts';
import { ImageError } from '../model/failures.ts';
import type { PoolFile } from '../model/pool-files.ts';
import { errnoOf } from '../platform/errno.ts';
import { definitionsOf } from './domains.ts';
import { readReferences } from './qcow2-header.ts';
import type { Virsh } from './virsh.ts';
import { parseXml } from './xml.ts';

/** Images below one disk that are looked at. */
const MAX_DEPTH = 64;

/**
 * Every path that the definition of a domain names, as it runs and as it will start next.
 * @throws ImageError when libvirt does not answer
 */
export async function pathsOfDomains(virsh: Virsh): Promise<readonly string[]> {
  const list = await virsh.run(['list', '--all', '--uuid']);
  const ids = list
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const paths = new Set<string>();
  for (const options of [[], ['--inactive']]) {
    const definitions = await definitionsOf(virsh, ids, options);
    for (const xml of definitions.values()) for (const path of pathsIn(parseXml(xml))) paths.add(path);
  }
  return [...paths];
}

/** Attributes and texts that are absolute paths: disks, their backing chains, firmware, kernels. */
function* pathsIn(element: Element): Generator<string> {
  for (const { value } of element.attributes) if (value.startsWith('/')) yield value;
  for (const child of [...element.childNodes] as readonly Node[]) {
    if (child.nodeType === child.ELEMENT_NODE) yield* pathsIn(child as Element);
    else if (child.nodeType === child.TEXT_NODE && child.nodeValue?.trim().startsWith('/') === true)
      yield child.nodeValue.trim();
  }
}

/**
 * @param paths that domains name
 * @returns files of the pool that one of the paths leads to, or that a file of the pool, or one of the paths, stands on
 * @throws the file system's error when a file cannot be read; ImageError HostFault for a chain that is too long
 */
export async function filesInUse(
  pool: Pool,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<readonly PoolFile[]> {
  const files = await pool.files();
  const used = new Set<string>();
  for (const path of paths) {
    signal?.throwIfAborted();
    await follow(path, used);
  }
  for (const file of files.filter(mayBeOverlay)) {
    signal?.throwIfAborted();
    const opened = await pool.openFile(file.name);
    if (opened === undefined) continue;
    for (const path of await referencesOf(opened, resolve(pool.config.path, file.name)))
      await follow(path, used);
  }
  const { dev } = await stat(pool.config.path, { bigint: true });
  return files.filter(({ inode }) => used.has(`${dev}:${inode}`));
}

/** Bytes of a download are no overlay yet. */
const mayBeOverlay = ({ type, role }: PoolFile): boolean => type === 'file' && role !== 'part';

/** Notes a file, and what it stands on. */
async function follow(path: string, used: Set<string>, depth = 0): Promise<void> {
  const found = await stat(path, { bigint: true }).catch(unlessAbsent);
  if (found === undefined || !found.isFile()) return;
  const key = `${found.dev}:${found.ino}`;
  if (used.has(key)) return;
  if (depth === MAX_DEPTH)
    throw new ImageError('HostFault', `more than ${MAX_DEPTH} images stand on each other, above ${path}`);
  used.add(key);
  // A link is followed, as libvirt does. If a FIFO has its name by now, nobody waits for that.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(unlessAbsent);
  if (file === undefined) return;
  for (const next of await referencesOf(file, path)) await follow(next, used, depth + 1);
}

/** Errors of a path that leads to nothing. */
const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

function unlessAbsent(error: unknown): undefined {
  if (!ABSENT.has(errnoOf(error))) throw error;
}

/** Closes the file. */
async function referencesOf(file: FileHandle, path: string): Promise<readonly string[]> {
  try {
    const names = await readReferences(file);
    return names.flatMap(pathsNamed).map((name) => resolve(dirname(path), name));
  } finally {
    await file.close();
  }
}

/** The paths that a name of QEMU may mean: of its JSON form, every text counts as one. */
const pathsNamed = (name: string): readonly string[] =>
  name.startsWith('json:')
    ? [...name.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replaceAll('\\/', '/'))
    : [name.replace(/^file:(?:\/\/)?/, '')];
