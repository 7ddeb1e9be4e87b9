/** The check of documents in `npm run check` finds merge markers, broken links, missing names and truncated prose. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../../platform/installation.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bypass-documents-'));
  execFileSync('git', ['init', '--quiet', root]);
});
afterEach(() => rmSync(root, { recursive: true }));

const faultsOf = (files: Readonly<Record<string, string>>): readonly string[] => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const checker = join(PROJECT_ROOT, 'bin', 'check-documents.js');
  const { stdout, status } = spawnSync(process.execPath, [checker, root], { encoding: 'utf8' });
  const faults = stdout.split('\n').filter((line) => line !== '');
  expect(status).toBe(faults.length === 0 ? 0 : 1);
  return faults;
};
const OURS = '<'.repeat(7);
const THEIRS = '>'.repeat(7);

test('a merge marker is found in every kind of file', () => {
  expect(
    faultsOf({ 'a.md': `# A\n\n${OURS} HEAD\nOne.\n=======\nTwo.\n${THEIRS} b\n`, 'b.ts': `${THEIRS} b\n` }),
  ).toEqual([
    'a.md:3: a merge marker',
    'a.md:5: a merge marker',
    'a.md:7: a merge marker',
    'b.ts:1: a merge marker',
  ]);
});

test('a heading that is underlined by seven equals signs is no merge marker', () => {
  expect(faultsOf({ 'a.md': 'Heading\n=======\n\nText.\n' })).toEqual([]);
});

test('a link must lead to a file of the tree, and to a heading that it has', () => {
  expect(
    faultsOf({
      'a.md': '[1](docs/b.md), [2](docs/b.md#the-way), [3](#a) and [4](https://example.org).\n\n# A\n',
      'docs/b.md': '## The way\n\n[a](../a.md), [c](c.md), [d](../a.md#b), ![e](e.png), [f](../../f.md).\n',
    }),
  ).toEqual([
    'docs/b.md:3: the link c.md leads nowhere',
    'docs/b.md:3: the link ../a.md#b leads nowhere',
    'docs/b.md:3: the link e.png leads nowhere',
    'docs/b.md:3: the link ../../f.md leads nowhere',
  ]);
});

test('a named file or folder must be in the tree; a path that begins with no folder of the tree is not checked', () => {
  expect(
    faultsOf({
      'a.md':
        '# A\n\n`model/a.ts`, `model/`, `model/b.ts`,\n`model/c/`, `other/b.ts`, `b.ts` and `model/*`.\n',
      'model/a.ts': 'export {};\n',
    }),
  ).toEqual(['a.md:3: there is no model/b.ts', 'a.md:3: there is no model/c/']);
});

test('a title that is quoted behind the name of a test must be in that test', () => {
  expect(
    faultsOf({
      'a.md': '# A\n\nShown by `test/a.test.ts` “it\nworks”, “it fails”.\n',
      'test/a.test.ts': "test('it works', () => undefined);\n",
    }),
  ).toEqual(['a.md:3: test/a.test.ts has no test “it fails”']);
});

test('truncated prose is found at the end of a paragraph, and between two sentences', () => {
  expect(
    faultsOf({
      'a.md':
        'It asks the proxy, and then the\n\nWhat is wrong is said. which helps.\n\n- a fragment in a list\n\n| a |\n|---|\n| it ends. which helps |\n',
    }),
  ).toEqual([
    'a.md:1: the paragraph ends within a sentence',
    'a.md:3: a sentence begins in small letters: ". which"',
    'a.md:9: a sentence begins in small letters: ". which"',
  ]);
});
