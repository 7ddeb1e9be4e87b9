import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../cli/client.ts';
import type { ApiClient } from '../../cli/client.ts';
import { lookAtHosts, lookAtPools, lookAtProcess, waitFor } from '../../dev/readiness.ts';
import { createSupervisor } from '../../dev/supervisor.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';

let lab: Lab;
let client: ApiClient;
beforeAll(async () => {
  lab = await openLab();
  await lab.server.listen({ port: 0, host: '127.0.0.1' });
  const { apiKey, secretKey } = lab.admin;
  client = createClient({
    url: `${lab.server.listeningOrigin}/client/api`,
    apiKey,
    secretKey,
    origin: 'the test',
  });
});
afterAll(() => lab.close());

const nothing = (): void => undefined;

/** No time to wait. */
const waiting = () => ({
  supervisor: createSupervisor({ print: nothing, onRestart: nothing }),
  signal: new AbortController().signal,
  timeoutMs: 0,
});

test('a start that fails names each host that is missing, and what it lacks', async () => {
  await addHost(lab, { name: 'silent', pools: [], up: false });
  await addHost(lab, { name: 'refused', pools: [], state: 'Disabled' });
  await addHost(lab, { name: 'good', pools: [] });
  await expect(
    waitFor(() => lookAtHosts(client, ['good', 'silent', 'refused', 'absent']), waiting()),
  ).rejects.toThrow(
    'Bypass did not become ready within 0 s: host silent is Down (heard of last: 1970-01-01T00:00:00+0000); ' +
      'host refused is Disabled; host absent has not joined',
  );
  expect(await waitFor(() => lookAtHosts(client, ['good']), waiting())).toBe(true);
});

test('a start that fails names the pools that the API does not list', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-ready-'));
  try {
    const pool = poolReport('disks');
    await addHost(lab, { name: 'with-pool', pools: [pool] });
    const place = { name: 'disks', path: folder };
    await expect(waitFor(() => lookAtPools(client, [place]), waiting())).rejects.toThrow(
      `the API does not list pool disks at ${folder}`,
    );
    const { id, name, type, scope } = pool;
    await writeFile(join(folder, '.bypass-pool'), JSON.stringify({ v: 1, id, name, type, scope }));
    expect(await waitFor(() => lookAtPools(client, [place]), waiting())).toEqual([{ ...place, id }]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a start that fails shows the log of the process that is not ready', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-ready-'));
  try {
    const logFile = join(folder, 'host1.log');
    await writeFile(logFile, 'first line\nnot joined yet\n');
    const service = { name: 'host worker host1', logFile };
    await expect(waitFor(() => lookAtProcess(service, 'http://127.0.0.1:1'), waiting())).rejects.toThrow(
      `the host worker host1 is not ready; the end of ${logFile}:\nfirst line\nnot joined yet`,
    );
    expect(await waitFor(() => lookAtProcess(service, lab.server.listeningOrigin), waiting())).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
