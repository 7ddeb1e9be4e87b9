/** docs/configuration.md has all settings of the program, and documents name no others. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { configurations } from '../../model/configurations.ts';
import { configurationDocument, configurationRow, settingRow } from '../../workers/configuration-document.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { SETTINGS } from '../../workers/settings-table.ts';

const read = (name: string): Promise<string> => readFile(join(PROJECT_ROOT, name), 'utf8');

test('docs/configuration.md is as `npm run docs` writes it', async () => {
  if ((await read('docs/configuration.md')) !== configurationDocument())
    throw new Error('docs/configuration.md is not what it should be: npm run docs');
});

test('docs/configuration.md has one row for every setting', async () => {
  const document = await read('docs/configuration.md');
  const rows = [
    ...Object.values(SETTINGS).map(settingRow),
    ...configurations(PROTOCOLS).map(configurationRow),
  ];
  const expected = rows.map((cells) => cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | '));
  const found = [...document.matchAll(/^\| (`.*) \|$/gm)].map(([, row = '']) => row);
  expect(found.toSorted()).toEqual(expected.toSorted());
});

const GUIDES = readdirSync(join(PROJECT_ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);

test.each([
  'README.md',
  'CONTRIBUTING.md',
  ...GUIDES,
  'docker-compose.yml',
  'deploy/bypass-host.env',
  'deploy/bypass-host.service',
])('%s names only existing settings', async (name) => {
  const known = new Set<string>(Object.values(SETTINGS).map(({ variable }) => variable));
  // Variables of the client commands, of the Compose file, and of the tests are no settings of the processes.
  const others = [
    'BYPASS_URL',
    'BYPASS_API_KEY',
    'BYPASS_SECRET_KEY',
    'BYPASS_CA_FILE',
    'BYPASS_DATABASE_PASSWORD',
    'BYPASS_LISTEN',
    'BYPASS_TEST_FULL',
  ];
  const named = (await read(name)).match(/\bBYPASS_[A-Z_]+/g) ?? [];
  expect(named.filter((variable) => !known.has(variable) && !others.includes(variable))).toEqual([]);
});
