// `npm run test:faults [-- --seed N] [--minutes N]`: the fault run in its whole form.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt, root } from '../../bin/build.js';
import { installPrograms } from '../install.js';

const { seed = String(Math.floor(Math.random() * 1_000_000)), minutes } = parseArgs({
  options: { seed: { type: 'string' }, minutes: { type: 'string' } },
}).values;

installPrograms();
await ensureBuilt();
const child = spawn(
  process.execPath,
  [join(root, 'node_modules/jest/bin/jest.js'), 'test/faults/faults.test.ts'],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      BYPASS_TEST_FAULTS: '1',
      BYPASS_TEST_SEED: seed,
      ...(minutes === undefined ? {} : { BYPASS_TEST_FAULTS_MINUTES: minutes }),
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('close', (status) => {
  process.stdout.write(`Seed ${seed}: npm run test:faults -- --seed ${seed}\n`);
  process.exitCode = status ?? 1;
});
