// Finds faults of documents: merge markers, links without a target, names of files and tests that are not in the tree, and
// truncated sentences. Part of `npm run check`; its one optional argument is another folder. Prints one line for each fault,
// `file:line: what is wrong`, and then exits with 1.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import GithubSlugger from 'github-slugger';
import MarkdownIt from 'markdown-it';
import { root as projectRoot } from './build.js';

const MERGE_MARKER = /^(?:<{7}|>{7}|\|{7})(?: |$)|^={7}$/;
const SENTENCE_END = /[.!?:…]["”)*_]*$/;
/** A full stop before a word in small letters: text between them was lost. Abbreviations end no sentence. */
const LOST_BEGINNING = /(?<!\b(?:e\.g|i\.e|etc|vs|approx|no))[.!?] +[a-z]\w*/;
/** A path: at least one folder, then a folder or a file with a known ending. */
const TREE_PATH = /^(?:[\w-]+\/)+(?:[\w.-]+\.(?:cjs|js|json|md|sh|sql|ts|tsx|yaml))?$/;
const TEST_TITLES = /`(test\/[\w/.-]+\.ts)`\s+((?:“[^”]+”(?:,\s+)?)+)/g;
const BINARY = new Set(['.png', '.jpg', '.gif', '.ico', '.woff2', '.gz', '.zip']);

const markdown = new MarkdownIt({ html: true });

/** @param {string} root @returns {string[]} faults of every file below `root` that git tracks or does not ignore */
function checkDocuments(root) {
  return filesOf(root).flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const faults = mergeMarkers(text);
    if (extname(path) === '.md') faults.push(...documentFaults(root, path, text));
    return faults.map(({ line, fault }) => `${path}:${line}: ${fault}`);
  });
}

function filesOf(root) {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return list
    .split('\0')
    .filter((path) => path !== '' && !BINARY.has(extname(path)))
    .filter((path) => existsSync(join(root, path)) && statSync(join(root, path)).isFile());
}

function mergeMarkers(text) {
  const lines = text.split('\n');
  // A line of seven equals signs can underline a heading; between two other markers it is a marker.
  const conflicted = lines.some((line) => /^<{7} /.test(line));
  return lines.flatMap((line, index) =>
    MERGE_MARKER.test(line) && (conflicted || !line.startsWith('='))
      ? [{ line: index + 1, fault: 'a merge marker' }]
      : [],
  );
}

function documentFaults(root, path, text) {
  const tokens = markdown.parse(text, {});
  return [
    ...linkFaults(root, path, tokens),
    ...pathFaults(root, tokens),
    ...titleFaults(root, text),
    ...sentenceFaults(tokens),
  ];
}

/** Files and folders that a document names as code must exist: `model/failures.ts`, `test/labs/`. */
function pathFaults(root, tokens) {
  return inlinesOf(tokens).flatMap(({ line, children }) =>
    children
      .filter(({ type, content }) => type === 'code_inline' && TREE_PATH.test(content))
      .filter(
        ({ content }) => isFolder(join(root, content.split('/', 1)[0])) && !existsSync(join(root, content)),
      )
      .map(({ content }) => ({ line, fault: `there is no ${content}` })),
  );
}

const isFolder = (path) => existsSync(path) && statSync(path).isDirectory();

/** Titles in quotation marks after the name of a test file must be titles in that file. */
function titleFaults(root, text) {
  return [...text.matchAll(TEST_TITLES)]
    .filter(([, path]) => existsSync(join(root, path)))
    .flatMap(({ index, 1: path, 2: quoted }) => {
      const source = readFileSync(join(root, path), 'utf8');
      const line = text.slice(0, index).split('\n').length;
      return [...quoted.matchAll(/“([^”]+)”/g)]
        .map(([, title]) => title.replace(/\s+/g, ' '))
        .filter((title) => !source.includes(title))
        .map((title) => ({ line, fault: `${path} has no test “${title}”` }));
    });
}

function linkFaults(root, path, tokens) {
  return inlinesOf(tokens).flatMap(({ line, children }) =>
    children
      .map((child) => child.attrGet('href') ?? child.attrGet('src'))
      .filter((target) => target !== null && !/^[a-z][a-z0-9+.-]*:/i.test(target))
      .filter((target) => !leadsSomewhere(root, path, target))
      .map((target) => ({ line, fault: `the link ${target} leads nowhere` })),
  );
}

/** A link's file or folder must exist, and have the heading that the fragment names. */
function leadsSomewhere(root, path, target) {
  const [file = '', fragment] = target.split('#');
  const found = file === '' ? join(root, path) : resolve(root, dirname(path), decodeURI(file));
  if (relative(root, found).startsWith('..') || !existsSync(found)) return false;
  if (fragment === undefined || fragment === '') return true;
  return extname(found) === '.md' && headingIds(readFileSync(found, 'utf8')).has(fragment);
}

/** Ids of a document's headings, as GitHub makes them. */
function headingIds(text) {
  const slugger = new GithubSlugger();
  const tokens = markdown.parse(text, {});
  return new Set(
    tokens.flatMap((token, index) =>
      token.type === 'heading_open' ? [slugger.slug(plainText(tokens[index + 1].children ?? []))] : [],
    ),
  );
}

/** A paragraph of prose must end with the end of a sentence. Items of lists and cells of tables may be fragments. */
function sentenceFaults(tokens) {
  return tokens.flatMap((token, index) => {
    if (token.type !== 'inline') return [];
    const faults = [];
    const line = lineOf(tokens, index);
    const children = token.children ?? [];
    const opened = tokens[index - 1];
    const isProse = opened.type === 'paragraph_open' && opened.level === 0;
    if (isProse && !endsWell(children)) faults.push({ line, fault: 'the paragraph ends within a sentence' });
    const lost = LOST_BEGINNING.exec(plainText(children, '`'));
    if (lost !== null) faults.push({ line, fault: `a sentence begins in small letters: "${lost[0]}"` });
    return faults;
  });
}

function endsWell(children) {
  const last = children.findLast((child) => child.type !== 'text' || child.content.trim() !== '');
  // A picture, or a line with only a link.
  if (last === undefined || last.type === 'image' || last.type === 'html_inline') return true;
  return SENTENCE_END.test(plainText(children, '`').trimEnd());
}

/** Text of a line. Code becomes `code`, so that it is not read as prose. */
function plainText(children, code) {
  return children
    .map((child) => {
      if (child.type === 'softbreak' || child.type === 'hardbreak') return ' ';
      return child.type === 'code_inline' && code !== undefined ? code : child.content;
    })
    .join('');
}

function inlinesOf(tokens) {
  return tokens.flatMap((token, index) =>
    token.type === 'inline' ? [{ line: lineOf(tokens, index), children: token.children ?? [] }] : [],
  );
}

/** The line of a node. Cells of a table have none, so theirs is that of the row. */
function lineOf(tokens, index) {
  return (tokens.slice(0, index + 1).findLast(({ map }) => map !== null)?.map[0] ?? 0) + 1;
}

const faults = checkDocuments(process.argv[2] ?? projectRoot);
for (const fault of faults) process.stdout.write(`${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
