/** The README's table of settings is that of the program. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../workers/dev/project.ts';
import { SETTINGS } from '../../workers/settings.ts';
import { settingsTable } from '../support/settings-table.ts';

const read = (name: string): Promise<string> => readFile(join(PROJECT_ROOT, name), 'utf8');

test('the README has the table of settings', async () => {
  const found = /<!-- settings -->(?<table>[^]*?)<!-- \/settings -->/.exec(await read('README.md'));
  expect(found?.groups?.['table']?.trim()).toBe(settingsTable());
});

test.each(['README.md', 'docker-compose.yml', 'deploy/bypass-host.env', 'deploy/bypass-host.service'])(
  '%s names only settings that there are',
  async (name) => {
    const known = new Set<string>(Object.values(SETTINGS).map(({ variable }) => variable));
    // Read by the client commands, and by the Compose file itself.
    const others = [
      'BYPASS_URL',
      'BYPASS_API_KEY',
      'BYPASS_SECRET_KEY',
      'BYPASS_CA_FILE',
      'BYPASS_DATABASE_PASSWORD',
      'BYPASS_LISTEN',
    ];
    const named = (await read(name)).match(/\bBYPASS_[A-Z_]+/g) ?? [];
    expect(named.filter((variable) => !known.has(variable) && !others.includes(variable))).toEqual([]);
  },
);
