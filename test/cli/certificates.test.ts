/** `bypass certificate` against the real api on a real database. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';
import { createAuthority } from '../support/authority.ts';
import { bypass } from './terminal.ts';
import type { Ran } from './terminal.ts';

const root = createAuthority('ECDSA', { name: 'Mirror CA' });
const client = root.issue({ name: 'hosts', names: [] });

let lab: Lab;
let folder: string;
let url: string;
beforeAll(async () => {
  lab = await openLab();
  folder = await mkdtemp(join(tmpdir(), 'bypass-cli-'));
  await Promise.all(
    Object.entries({ 'ca.pem': root.cert, 'hosts.pem': client.cert, 'hosts.key': client.key }).map(
      ([name, text]) => writeFile(join(folder, name), text),
    ),
  );
  await addHost(lab, { name: 'kvm-1', pools: [poolReport('one')] });
  await lab.server.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(lab.server.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true });
});

const run = (line: string): Promise<Ran> => {
  const { apiKey, secretKey } = lab.admin;
  return bypass({ url, apiKey, secretKey }, line.replaceAll('@', `${folder}/`).split(' '));
};

test('a certificate is uploaded, listed, provisioned, revoked and deleted', async () => {
  const uploaded = await run(
    'certificate upload mirror @ca.pem --client-certificate @hosts.pem --private-key @hosts.key',
  );
  expect(uploaded).toMatchObject({ code: 0, stderr: '' });
  expect(uploaded.stdout).toMatch(/^Uploaded mirror \(.*\) for zone zone1: CN=Mirror CA\n$/);
  expect((await run('certificate list')).stdout).toMatch(/mirror .* zone1 +CN=Mirror CA +99 +1\/1 +in use/);
  expect((await run('certificate revoke mirror --host kvm-1')).stdout).toBe('Revoked mirror\n');
  expect((await run('certificate list')).stdout).toMatch(/ 0\/1 /);
  expect((await run('certificate provision mirror kvm-1')).stdout).toBe('mirror on kvm-1: UPLOADED\n');
  expect((await run('certificate revoke mirror')).code).toBe(0);
  expect((await run('certificate list')).stdout).toMatch(/revoked/);
  expect((await run('certificate delete mirror')).stdout).toBe('Deleted mirror\n');
  expect((await run('certificate list')).stderr).toMatch(/There is no certificate yet/);
});

test('a host that is Down is reported, and the exit code shows the failure', async () => {
  await addHost(lab, { name: 'kvm-2', pools: [poolReport('two')], up: false });
  const uploaded = await run('certificate upload mirror @ca.pem');
  expect(uploaded.code).toBe(1);
  expect(uploaded.stderr).toMatch(/kvm-2: FAILED, the host is Down; it gets it by itself/);
  expect((await run('certificate delete mirror')).code).toBe(0);
});

test('an error is one line', async () => {
  expect(await run('certificate upload mirror @none.pem')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/none\.pem cannot be read/),
  });
  expect(await run('certificate upload mirror @hosts.key')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/holds a private key/),
  });
  expect(await run('certificate delete nobody')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/there is no certificate 'nobody'/),
  });
});
