/** The files of deploy/: the scripts run, and the unit fits the settings file beside it. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { parsePools } from '../../workers/host-settings.ts';
import { startHealth } from '../../workers/health.ts';
import { SETTINGS } from '../../workers/settings-table.ts';
import { needing } from '../support/programs.ts';

const DEPLOY = join(PROJECT_ROOT, 'deploy');
const run = promisify(execFile);
const text = (name: string): Promise<string> => readFile(join(DEPLOY, name), 'utf8');

/** The values of `NAME=VALUE` lines, without comments and section headers. */
const valuesOf = (file: string): ReadonlyMap<string, string> =>
  new Map([...file.matchAll(/^([A-Za-z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

test('the shell scripts are valid', async () => {
  const scripts = (await readdir(DEPLOY)).filter((name) => name.endsWith('.sh'));
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) await run('sh', ['-n', join(DEPLOY, script)]);
});

test('the script creates a namespace, and leaves an existing one unchanged', async () => {
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

test('the health check distinguishes ready, not ready and unreachable', async () => {
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

/** Only systemd itself can judge the unit, so the test needs it installed. */
needing('systemd-analyze')('systemd', () => {
  test('finds few weaknesses in the unit', async () => {
    const unit = join(DEPLOY, 'bypass-host.service');
    const args = ['security', '--offline=true', '--no-pager', '--threshold=100', unit];
    const { stdout } = await run('systemd-analyze', args);
    const [, exposure = ''] = /Overall exposure level for bypass-host\.service: (\d+\.\d)/.exec(stdout) ?? [];
    expect(Number(exposure)).toBeGreaterThan(0);
    expect(Number(exposure)).toBeLessThanOrEqual(2.7);
    const closed = stdout
      .split('\n')
      .filter((line) => line.startsWith('✓'))
      .map((line) => /^✓ (\S+)/.exec(line)?.[1]);
    for (const door of [
      'NoNewPrivileges=',
      'SystemCallFilter=~@mount',
      'SystemCallFilter=~@module',
      'PrivateDevices=',
    ])
      expect(closed).toContain(door);
  });
});

test('the unit runs the host worker with its settings file, and lets it write to the folders of these settings', async () => {
  const unit = valuesOf(await text('bypass-host.service'));
  const settings = valuesOf(await text('bypass-host.env'));
  expect(unit.get('ExecStart')).toMatch(/\/bin\/bypass\.js host run$/);
  const stateDir = SETTINGS.stateDir.fallback;
  const folders = String(unit.get('StateDirectory')).split(' ');
  expect(folders.map((name) => `/var/lib/${name}`)).toEqual([stateDir, `${stateDir}-vms`]);
  const writable = (unit.get('ReadWritePaths') ?? '').split(' ').map((path) => path.replace(/^-/, ''));
  expect(parsePools(settings.get('BYPASS_POOLS') ?? '').map(({ path }) => path)).toEqual(writable);
  expect(unit.get('After')).toMatch(/libvirtd\.socket/);
  expect(unit.get('MemoryMax')).toMatch(/^\d+G$/);
  expect(Number(unit.get('TasksMax'))).toBeGreaterThan(0);
  expect(settings.get('BYPASS_ZONE')).toBeTruthy();
  expect(settings.get('BYPASS_CLUSTER')).toBeTruthy();
});
