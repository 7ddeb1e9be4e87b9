/** Every command in a document exists, and takes the flags that the document shows. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { createProgram } from '../../cli/program.ts';
import { cliOf } from '../../cli/context.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { ensureBuilt } from '../support/ensure-built.ts';

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(PROJECT_ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'docker-compose.yml',
  'deploy/bypass-host.env',
  'deploy/bypass-host.service',
];

const text = (name: string): Promise<string> => readFile(join(PROJECT_ROOT, name), 'utf8');
const everything = async (): Promise<string> => (await Promise.all(DOCUMENTS.map(text))).join('\n');

interface Mention {
  /** Up to three words, such as `template register --name`. */
  readonly words: readonly string[];
  readonly flags: readonly string[];
}

/** The code in a document, with continued lines joined. A file that is no Markdown is all code. */
const codeOf = async (name: string): Promise<readonly string[]> => {
  const document = await text(name);
  if (!name.endsWith('.md')) return document.split('\n');
  return [...document.matchAll(/```\w*\n([^]*?)```|`([^`\n]+)`/g)]
    .map(([, block, span]) => block ?? span ?? '')
    .flatMap((code) => code.replace(/\\\n\s*/g, '').split('\n'));
};

/** Each `bypass …` in a line of code, up to a comment or the next command. */
const mentionsIn = (line: string): readonly Mention[] =>
  [...line.matchAll(/(?:^|[\s`;(])(?:npx )?bypass ((?:[a-z]+|--)[^#;|`]*)/g)].map(([, rest = '']) => {
    const parts = rest.trim().split(/\s+/);
    const end = parts.findIndex((part) => !/^[a-z]+(?:-[a-z]+)*$/.test(part));
    return {
      words: parts.slice(0, end === -1 ? parts.length : end),
      flags: parts.filter((part) => /^--[a-z]/.test(part)),
    };
  });

const run = promisify(execFile);
const clientProgram = createProgram(cliOf(process));

/** The output of `--help` for a command; undefined when the command does not exist. */
async function helpOf(words: readonly string[]): Promise<string | undefined> {
  const client = words.reduce<Command | undefined>(
    (at, word) => at?.commands.find((command) => command.name() === word),
    clientProgram,
  );
  return client === undefined ? helpOfProcess(words) : client.helpInformation();
}

/** The commands of processes are only in the whole program. */
async function helpOfProcess(words: readonly string[]): Promise<string | undefined> {
  await ensureBuilt();
  const program = join(PROJECT_ROOT, 'bin', 'bypass.js');
  const { stdout } = await run(process.execPath, [program, ...words, '--help'], { cwd: PROJECT_ROOT });
  return stdout.startsWith(`Usage: ${['bypass', ...words].join(' ')} `) ? stdout : undefined;
}

/** A command that runs something: `host list`, not the noun alone. `api` takes a command of the API. */
function commandOf({ words }: Mention): readonly string[] {
  const [first = '', second] = words;
  const alone = ['dev', 'demo'].includes(first) || (first === 'api' && second !== 'run');
  return words.slice(0, alone ? 1 : 2);
}

describe('the bypass commands', () => {
  const helps = new Map<string, string | undefined>();

  beforeAll(async () => {
    for (const document of DOCUMENTS) {
      for (const mention of (await codeOf(document)).flatMap(mentionsIn)) {
        const command = commandOf(mention);
        const key = command.join(' ');
        if (!helps.has(key)) helps.set(key, await helpOf(command));
      }
    }
  });

  test.each(DOCUMENTS)('in %s exist, with the flags used there', async (document) => {
    const wrong = (await codeOf(document)).flatMap(mentionsIn).flatMap((mention) => {
      const key = commandOf(mention).join(' ');
      const help = helps.get(key);
      if (help === undefined) return [`bypass ${key}`];
      return mention.flags
        .filter((flag) => !help.includes(`${flag} `))
        .map((flag) => `bypass ${key} ${flag}`);
    });
    expect(wrong).toEqual([]);
  });

  test('are found in the documents', () => {
    expect([...helps.keys()]).toEqual(
      expect.arrayContaining([
        'template register',
        'deploy start',
        'host run',
        'control run',
        'api run',
        'api',
      ]),
    );
  });
});

test('the alias of README.md runs the program, without npx', async () => {
  await ensureBuilt();
  const alias = (await codeOf('README.md')).find((line) => line.startsWith('alias bypass='));
  const { stdout } = await run('sh', ['-c', `${alias}\nbypass --version`], { cwd: PROJECT_ROOT });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('the npm scripts that documents name exist', async () => {
  const { scripts } = JSON.parse(await text('package.json')) as { scripts: Record<string, string> };
  const named = [...(await everything()).matchAll(/npm (?:run ([a-z:]+)|(start|test)\b)/g)].map(
    ([, script, short]) => script ?? short ?? '',
  );
  expect(new Set(named).size).toBeGreaterThan(3);
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
});

test.each(DOCUMENTS.filter((name) => name.endsWith('.md')))(
  'links of %s lead to existing files',
  async (document) => {
    const links = [...(await text(document)).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
      ([, path]) => path ?? '',
    );
    for (const path of links) await access(join(PROJECT_ROOT, dirname(document), path));
  },
);
