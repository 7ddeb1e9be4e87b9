/** The reference of the API as an HTML page: an index by subject, and a search on the server, since the page runs no scripts. */
import type { Documented } from './command.ts';
import { API_PATH } from './openapi.ts';
import { type Block, blocksOfCommand, bySubject, introduction } from './reference.ts';

export const DOCS_PATH = `${API_PATH}/docs`;
export const DOCS_STYLE_PATH = `${DOCS_PATH}/style.css`;

interface Entry {
  readonly name: string;
  /** The text that a search looks through, in lower case. */
  readonly text: string;
  readonly html: string;
}

/** @returns renders the page for a search; an empty search shows all commands */
export function referencePage(commands: readonly Documented[]): (search: string) => string {
  const subjects = bySubject(commands).map(([subject, members]) => [subject, members.map(entryOf)] as const);
  const start = introduction().map(asHtml).join('\n');
  return (search) => {
    const words = search
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const isNamed = ({ name }: Entry): boolean => fitsAll(name.toLowerCase(), words);
    const found = subjects
      .map(
        ([subject, entries]) =>
          [
            subject,
            namedFirst(
              entries.filter(({ text }) => fitsAll(text, words)),
              isNamed,
            ),
          ] as const,
      )
      .filter(([, entries]) => entries.length > 0)
      .toSorted(
        ([, [a]], [, [b]]) => Number(b !== undefined && isNamed(b)) - Number(a !== undefined && isNamed(a)),
      );
    return documentOf(search, found, words.length === 0 ? start : summaryOf(search, found));
  };
}

type Found = readonly (readonly [subject: string, entries: readonly Entry[]])[];

const fitsAll = (text: string, words: readonly string[]): boolean =>
  words.every((word) => text.includes(word));

/** Commands that have the words in their name come before those that have them elsewhere. */
const namedFirst = (entries: readonly Entry[], isNamed: (entry: Entry) => boolean): readonly Entry[] =>
  entries.toSorted((a, b) => Number(isNamed(b)) - Number(isNamed(a)));

function entryOf(command: Documented): Entry {
  const { name, description, parameters, response } = command;
  const words = [name, description, ...Object.keys(parameters), ...Object.keys(response)];
  const html = `<section id="${escape(name)}">${blocksOfCommand(command).map(asHtml).join('\n')}</section>`;
  return { name, text: words.join(' ').toLowerCase(), html };
}

const summaryOf = (search: string, found: Found): string => {
  const count = found.reduce((sum, [, entries]) => sum + entries.length, 0);
  return `<h1>The API</h1><p>${count === 0 ? 'No command has' : `${count} with`} <q>${escape(search)}</q> in the
name, the description, a parameter or a field. <a href="${DOCS_PATH}">Show all</a></p>`;
};

const documentOf = (search: string, found: Found, start: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bypass: the API</title><link rel="stylesheet" href="${DOCS_STYLE_PATH}"></head><body>
<nav aria-label="Commands">
<form action="${DOCS_PATH}" role="search"><label for="q">Search</label>
<input id="q" name="q" type="search" value="${escape(search)}" placeholder="name, parameter or field"></form>
${found.map(indexOf).join('\n')}
</nav>
<main>
${start}
${found.map(([subject, entries]) => `<h2>${escape(subject)}</h2>\n${entries.map(({ html }) => html).join('\n')}`).join('\n')}
</main>
</body></html>
`;

const indexOf = ([subject, entries]: Found[number]): string =>
  `<h2>${escape(subject)}</h2><ul>${entries.map(({ name }) => `<li><a href="#${escape(name)}">${escape(name)}</a></li>`).join('')}</ul>`;

function asHtml(block: Block): string {
  if ('heading' in block) return `<h${block.level}>${escape(block.heading)}</h${block.level}>`;
  if ('text' in block) return `<p>${marked(block.text)}</p>`;
  const { head, rows } = block.table;
  const cells = (tag: string, texts: readonly string[]): string =>
    `<tr>${texts.map((text) => `<${tag}>${marked(text)}</${tag}>`).join('')}</tr>`;
  const body = rows.map((row) => cells('td', row)).join('\n');
  return `<table>\n<thead>${cells('th', head)}</thead><tbody>${body}</tbody>\n</table>`;
}

const marked = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d5d9df, #3a3f47); --soft: light-dark(#f4f6f8, #22262c);
  --link: light-dark(#1864ab, #74c0fc); }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: 18rem minmax(0, 1fr); font: 16px/1.5 system-ui, sans-serif;
  background: light-dark(#fff, #16191d); color: light-dark(#1c2025, #e3e6ea); }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1rem; background: var(--soft);
  border-right: 1px solid var(--line); font-size: 0.875rem; }
nav h2 { font-size: 0.875rem; margin: 1rem 0 0.25rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: block; padding: 0.1rem 0; overflow-wrap: anywhere; }
label { display: block; font-weight: 600; }
input { width: 100%; padding: 0.4rem 0.5rem; font: inherit; color: inherit; background: light-dark(#fff, #16191d);
  border: 1px solid light-dark(#8a929c, #6b7480); border-radius: 4px; }
main { padding: 1rem 2rem 4rem; max-width: 70rem; }
main h2 { margin-top: 3rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); }
section { scroll-margin-top: 1rem; margin-top: 2rem; }
h2, h3 { overflow-wrap: anywhere; }
section:target > h3 { background: light-dark(#fff3bf, #4d3b00); }
a { color: var(--link); }
code { font-family: ui-monospace, monospace; font-size: 0.9em; background: var(--soft); padding: 0.1em 0.3em;
  border-radius: 3px; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { overflow-wrap: anywhere; text-align: left; vertical-align: top; padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--line); }
th { background: var(--soft); }
@media (max-width: 50rem) {
  body { display: block; }
  nav { position: static; height: auto; max-height: 40vh; border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding: 1rem; }
}
`;
