/** Temporal over mutual TLS: api, control worker and host workers all connect as @temporalio/envconfig says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UPKEEP_WORKFLOW_ID } from '../../model/names.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { selfSigned } from '../support/certificates.ts';
import { freshDatabase } from '../support/postgres.ts';
import { stackFolder, startStack } from '../support/stack.ts';
import { testTemporal } from '../support/temporal.ts';
import { startTlsGate } from '../support/tls-gate.ts';

test('processes start with a client certificate; without one, or when another authority issued that of the server, none does', async () => {
  const authority = selfSigned({ names: ['An authority'] });
  const [database, temporal, folder] = await Promise.all([freshDatabase(), testTemporal(), stackFolder()]);
  const gate = await startTlsGate(temporal.address, { own: selfSigned({ issuer: authority }), authority });
  const client = selfSigned({ issuer: authority, names: ['kvm-1'] });
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const trusting = {
    TEMPORAL_ADDRESS: gate.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: await file('ca.pem', authority.cert),
  };
  const known = {
    TEMPORAL_TLS_CLIENT_CERT_PATH: await file('client.pem', client.cert),
    TEMPORAL_TLS_CLIENT_KEY_PATH: await file('client.key', client.key),
  };
  const strangerCa = await file('stranger.pem', selfSigned().cert);
  const env = { BYPASS_DATABASE_URL: database.url, ...trusting, ...known };
  try {
    const stack = await startStack({ folder, env });
    try {
      const { host } = await stack.api.call<{ host: { name: string; state: string }[] }>('listHosts');
      expect(host).toMatchObject([{ name: 'host1', state: 'Up' }]);
      const upkeep = await temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID).describe();
      expect(upkeep.status.name).toBe('RUNNING');
      expect(gate.passed()).toBeGreaterThanOrEqual(3);
      expect(gate.refused()).toBe(0);
    } finally {
      await stack.endAll();
    }
    const masterKeyFile = join(folder, 'data', 'master.key');
    const api = { BYPASS_DATABASE_URL: database.url, BYPASS_MASTER_KEY_FILE: masterKeyFile };
    const passed = gate.passed();
    const misled = { ...trusting, ...known, TEMPORAL_TLS_SERVER_CA_CERT_PATH: strangerCa };
    for (const message of await Promise.all([start({ ...api, ...trusting }), start({ ...api, ...misled })])) {
      expect(message).toMatch(/Temporal does not answer at localhost/);
    }
    expect(gate.refused()).toBeGreaterThan(0);
    expect(gate.passed()).toBe(passed);
  } finally {
    await gate.close();
    await Promise.all([database.close(), temporal.close(), rm(folder, { recursive: true, force: true })]);
  }
});

/** Starts a control worker that must fail. @returns its error message */
async function start(env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [join(PROJECT_ROOT, 'bin', 'bypass.js'), 'control', 'run'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const pieces: Buffer[] = [];
  child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
  await once(child, 'close');
  return Buffer.concat(pieces).toString();
}
