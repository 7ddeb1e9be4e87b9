/**
 * Builds Temporal Server from its Go module, once, into the cache: the server, the tool that makes its schema, and the
 * schema itself. The Go command checks the module against Go's checksum database. A folder in the cache has its name only
 * when all of it is there.
 */
import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../platform/errno.ts';
import { cacheFolder } from './cache-folder.ts';
import type { DevEnvironment } from './environment.ts';
import { runProgram } from './run-program.ts';
import { findProgram } from './search-path.ts';

export interface TemporalPrograms {
  /** Has `temporal-server`, and `temporal-sql-tool`, as the images of Temporal name them. */
  readonly folder: string;
  /** Folder of the schemas of PostgreSQL, as in Temporal's images. */
  readonly schemas: string;
}

export interface Build {
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  readonly environment: Pick<DevEnvironment, 'searchPath' | 'home' | 'cacheHome'>;
}

const MODULE = 'go.temporal.io/server';
const VERSION = '1.32.2';
const BUILD_MS = 3_600_000;
/** The first release of Go that fetches by itself the release that a module asks for. */
const OLDEST_GO = 21;

/** @throws Error that says what to install, or why the build failed; the signal's reason when aborted */
export async function temporalPrograms(build: Build): Promise<TemporalPrograms> {
  const cache = await cacheFolder(build.environment);
  const folder = join(cache, `temporal-server-${VERSION}`);
  const programs = { folder, schemas: join(folder, 'schema', 'postgresql', 'v12') };
  if (await isFolder(folder)) return programs;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(join(cache, 'building-'));
  try {
    await compile(unfinished, build);
    await rename(unfinished, folder).catch(async (error: unknown) => {
      // Another start has built it meanwhile.
      if (!(await isFolder(folder))) throw error;
    });
    return programs;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );

async function compile(folder: string, { print, signal, environment }: Build): Promise<void> {
  const go = await requireGo(environment.searchPath);
  print(`Temporal Server ${VERSION} is built from its Go module, once; on two cores this takes five minutes`);
  const run = async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, GOTOOLCHAIN: 'auto', GOBIN: folder, CGO_ENABLED: '0' };
    const { code, stdout, stderr } = await runProgram(go, args, { timeoutMs: BUILD_MS, signal, env });
    signal.throwIfAborted();
    if (code === 0) return stdout;
    const reason = stderr.trim().split('\n').slice(-5).join('\n');
    throw new Error(`Temporal Server could not be built (go ${args.join(' ')}):\n${reason}`);
  };
  const download = await run('mod', 'download', '-json', `${MODULE}@v${VERSION}`);
  await run('install', `${MODULE}/cmd/server@v${VERSION}`, `${MODULE}/cmd/tools/sql@v${VERSION}`);
  await rename(join(folder, 'server'), join(folder, 'temporal-server'));
  await rename(join(folder, 'sql'), join(folder, 'temporal-sql-tool'));
  const { Dir: module } = JSON.parse(download) as { readonly Dir: string };
  await cp(join(module, 'schema', 'postgresql'), join(folder, 'schema', 'postgresql'), { recursive: true });
}

const INSTALL_GO =
  `install Go 1.${OLDEST_GO} or newer (https://go.dev/dl), which builds Temporal Server; ` +
  '`npm start` runs Temporal without it, on its development server';

async function requireGo(searchPath: readonly string[]): Promise<string> {
  const go = await findProgram('go', searchPath);
  if (go === undefined) throw new Error(`The program go was not found: ${INSTALL_GO}`);
  const { stdout } = await runProgram(go, ['version'], { timeoutMs: 20_000 });
  const [, minor] = /go1\.(\d+)/.exec(stdout) ?? [];
  if (Number(minor) >= OLDEST_GO) return go;
  throw new Error(`${go} is too old (${stdout.trim() || 'it does not run'}): ${INSTALL_GO}`);
}
