/** The links of documents lead to existing files, and the tests that documents name exist. */
import { readdirSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../platform/installation.ts';

const FAULTS = 'docs/faults-of-the-original.md';
const GUARANTEES = 'docs/guarantees.md';
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync(join(PROJECT_ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Names of files and folders of the tree, such as `model/failures.ts` or `test/labs/`. */
const NAMED =
  /`((?:activities|api|bench|bin|cli|db|deploy|dev|docs|images|model|orchestration|platform|test|trust|ui|workers|workflows)\/(?:[\w.-]+\/)*(?:[\w.-]+\.(?:cjs|js|json|sh|sql|ts|tsx|yaml))?)`/g;

const missing = async (paths: readonly string[]): Promise<readonly string[]> => {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths.filter((_path, at) => found[at] !== true);
};

test.each(DOCUMENTS)('the links of %s lead to existing files', async (name) => {
  const text = await readFile(join(PROJECT_ROOT, name), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path = '']) =>
    join(PROJECT_ROOT, dirname(name), path),
  );
  const named = [...text.matchAll(NAMED)].map(([, path = '']) => join(PROJECT_ROOT, path));
  expect(await missing([...links, ...named])).toEqual([]);
});

test('each fault of the original names tests that exist by their titles', async () => {
  const text = (await readFile(join(PROJECT_ROOT, FAULTS), 'utf8')).replace(/\s+/g, ' ');
  const faults = text.split(' - **').slice(1);
  expect(faults.length).toBeGreaterThan(30);
  for (const fault of faults) await expectTests(fault);
});

test('each guarantee names tests that exist by their titles', async () => {
  const text = (await readFile(join(PROJECT_ROOT, GUARANTEES), 'utf8')).replace(/\s+/g, ' ');
  const [statements = ''] = text.split(' ## What happens after a failure');
  const guarantees = statements.split(' - **').slice(1);
  expect(guarantees.length).toBeGreaterThan(15);
  for (const guarantee of guarantees) await expectTests(guarantee);
});

/** The tests that a statement names: files, each with the titles of its tests. */
async function expectTests(statement: string): Promise<void> {
  const named = [...statement.matchAll(/`(test\/[\w/.-]+\.ts)` ((?:“[^”]+”(?:, )?)+)/g)];
  expect({ statement, tests: named.length > 0 }).toEqual({ statement, tests: true });
  for (const [, path = '', quoted = ''] of named) {
    const source = await readFile(join(PROJECT_ROOT, path), 'utf8');
    const titles = [...quoted.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title);
    expect({ path, missing: titles.filter((title) => !source.includes(title)) }).toEqual({
      path,
      missing: [],
    });
  }
}
