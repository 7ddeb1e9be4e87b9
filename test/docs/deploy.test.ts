/** What deploy/ holds: scripts that run, and a unit that fits the settings it is delivered with. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { PROJECT_ROOT } from '../../workers/dev/project.ts';
import { parsePools } from '../../workers/host-settings.ts';
import { startHealth } from '../../workers/health.ts';
import { SETTINGS } from '../../workers/settings.ts';

const DEPLOY = join(PROJECT_ROOT, 'deploy');
const run = promisify(execFile);
const text = (name: string): Promise<string> => readFile(join(DEPLOY, name), 'utf8');

/** Values of `NAME=VALUE` lines; comments and sections are left out. */
const valuesOf = (file: string): ReadonlyMap<string, string> =>
  new Map([...file.matchAll(/^([A-Za-z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

test('the shell scripts are such', async () => {
  const scripts = (await readdir(DEPLOY)).filter((name) => name.endsWith('.sh'));
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) await run('sh', ['-n', join(DEPLOY, script)]);
});

test('the script makes a namespace, and leaves one that is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-deploy-'));
  const address = process.env['BYPASS_TEST_TEMPORAL_ADDRESS'] ?? '';
  const connection = await Connection.connect({ address });
  try {
    await symlink(process.env['TEMPORAL_CLI_PATH'] ?? '', join(folder, 'temporal'));
    const namespace = `deploy-${randomUUID()}`;
    const env = {
      PATH: `${folder}:${process.env['PATH']}`,
      HOME: folder,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
    };
    const script = join(DEPLOY, 'temporal-namespace.sh');
    await run('sh', [script], { env });
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 3600);
    expect((await run('sh', [script], { env })).stdout).toBe(`Namespace ${namespace} is there\n`);
  } finally {
    await connection.close();
    await rm(folder, { recursive: true });
  }
});

test('the health check tells ready from not ready, and from nobody there', async () => {
  let ready = false;
  const health = await startHealth(0, () => ready);
  const check = (): Promise<unknown> =>
    run(process.execPath, [join(DEPLOY, 'ready.js'), String(health.port)]);
  try {
    await expect(check()).rejects.toMatchObject({ code: 1 });
    ready = true;
    await check();
  } finally {
    await health.close();
  }
  await expect(check()).rejects.toMatchObject({ code: 1 });
});

test('the unit runs the host worker with the settings beside it, and lets it write where they say', async () => {
  const unit = valuesOf(await text('bypass-host.service'));
  const settings = valuesOf(await text('bypass-host.env'));
  expect(unit.get('ExecStart')).toMatch(/\/bin\/bypass\.js host run$/);
  expect(`/var/lib/${unit.get('StateDirectory')}`).toBe(SETTINGS.stateDir.fallback);
  const writable = (unit.get('ReadWritePaths') ?? '').split(' ').map((path) => path.replace(/^-/, ''));
  expect(parsePools(settings.get('BYPASS_POOLS') ?? '').map(({ path }) => path)).toEqual(writable);
  expect(settings.get('BYPASS_ZONE')).toBeTruthy();
  expect(settings.get('BYPASS_CLUSTER')).toBeTruthy();
});
