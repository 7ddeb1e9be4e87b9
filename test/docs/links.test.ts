/** Where a document points to, there is something; a test that it names is one that there is. */
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../workers/dev/project.ts';

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'docs/threat-model.md'];

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
  const tests = [...text.matchAll(/`(test\/[\w/.-]+(?:\.test\.ts|\/))`/g)].map(([, path = '']) =>
    join(PROJECT_ROOT, path),
  );
  expect(await missing([...links, ...tests])).toEqual([]);
});
