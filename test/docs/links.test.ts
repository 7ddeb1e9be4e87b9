/** Where a document points to, there is something; a test that it names is one that there is. */
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../workers/dev/project.ts';

const FAULTS = 'docs/faults-of-the-original.md';
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs/threat-model.md',
  FAULTS,
];

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

test.each(DOCUMENTS)('%s points to what there is', async (name) => {
  const text = await readFile(join(PROJECT_ROOT, name), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path = '']) =>
    join(PROJECT_ROOT, dirname(name), path),
  );
  const tests = [...text.matchAll(/`(test\/[\w/.-]+(?:\.ts|\/))`/g)].map(([, path = '']) =>
    join(PROJECT_ROOT, path),
  );
  expect(await missing([...links, ...tests])).toEqual([]);
});

test('each fault of the original names tests, and each is there by its title', async () => {
  const text = (await readFile(join(PROJECT_ROOT, FAULTS), 'utf8')).replace(/\s+/g, ' ');
  const faults = text.split(' - **').slice(1);
  expect(faults.length).toBeGreaterThan(30);
  for (const fault of faults) {
    const named = [...fault.matchAll(/`(test\/[\w/.-]+\.ts)` ((?:“[^”]+”(?:, )?)+)/g)];
    expect({ fault, tests: named.length > 0 }).toEqual({ fault, tests: true });
    for (const [, path = '', quoted = ''] of named) {
      const source = await readFile(join(PROJECT_ROOT, path), 'utf8');
      const titles = [...quoted.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title);
      expect({ path, missing: titles.filter((title) => !source.includes(title)) }).toEqual({
        path,
        missing: [],
      });
    }
  }
});
