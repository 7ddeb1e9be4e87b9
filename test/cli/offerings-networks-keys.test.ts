import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Refusal, startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, zone } from './fleet.ts';
import { key, l2, lan, machines, shared, small } from './machines.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

let api: ApiServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-keys-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  api = await startApi({ ...fleet({ progress: () => 1 }), ...machines() });
});
afterEach(() => api.close());

const run = (line: string, options?: RunOptions): Promise<Ran> =>
  bypass(api, line.replaceAll('@', `${folder}/`).split(' '), options);

describe('bypass offering', () => {
  test('list, create, edit and delete', async () => {
    api.answer({
      createServiceOffering: ({ name }) => ({ serviceoffering: { ...small, name } }),
      updateServiceOffering: () => ({ serviceoffering: small }),
      deleteServiceOffering: () => ({ success: true }),
    });
    expect((await run('offering list')).stdout).toMatch(
      /^Small Instance .* 1 +1000 +1024 MiB +as the image +shared/m,
    );
    const { stdout } = await run(
      'offering create big --cpus 4 --memory 8G --storage local --tags ssd --limit-cpu',
    );
    expect(stdout).toMatch(/^Made service offering big \(/);
    expect(api.called('createServiceOffering')[0]).toMatchObject({
      name: 'big',
      displaytext: 'big',
      cpunumber: '4',
      cpuspeed: '1000',
      memory: '8192',
      storagetype: 'local',
      tags: 'ssd',
      limitcpuuse: 'true',
    });
    await run('offering create any --custom');
    expect(api.called('createServiceOffering')[1]).toMatchObject({ customized: 'true' });
    expect(api.called('createServiceOffering')[1]).not.toHaveProperty('cpunumber');
    for (const line of [
      'create x',
      'create x --custom --cpus 1',
      'edit small',
      'create x --cpus 0 --memory 1G',
    ]) {
      expect(await run(`offering ${line}`)).toMatchObject({ code: 2 });
    }
    expect((await run('offering edit small --host-tags gpu')).stdout).toBe(
      'Changed service offering Small Instance\n',
    );
    expect((await run('offering delete small')).stdout).toBe('Removed service offering Small Instance\n');
  });
});

describe('bypass network', () => {
  test('list, create and delete', async () => {
    const jobs = machines({ course: [{}] });
    api.answer({
      ...jobs,
      createNetwork: ({ name }) => ({ network: { ...lan, name } }),
      deleteNetwork: (given) => jobs['startVirtualMachine']?.(given),
    });
    expect((await run('network list')).stdout).toMatch(/^lan .* L2 +lan .*zone-1 +all accounts/m);
    expect((await run('network create wan --host-network br --shared')).stdout).toMatch(
      /^Made network wan \(/,
    );
    await run('network create lan2');
    expect(api.called('createNetwork')).toMatchObject([
      { name: 'wan', zoneid: zone.id, networkofferingid: shared.id, hostnetwork: 'br' },
      { name: 'lan2', zoneid: zone.id, networkofferingid: l2.id },
    ]);
    expect((await run('network create wan --vlan 7')).stderr).toMatch(
      /type L2 that takes a VLAN tag is enabled/,
    );
    expect((await run('network delete lan')).stdout).toBe('Removed network lan\n');
  });
});

describe('bypass key', () => {
  test('register sends the public key under the name of its file, and never a private one', async () => {
    api.answer({ registerSSHKeyPair: ({ name }) => ({ keypair: { ...key, name } }) });
    await writeFile(join(folder, 'id_ed25519.pub'), 'ssh-ed25519 AAAA me@laptop\n');
    await writeFile(join(folder, 'id_ed25519'), '-----BEGIN OPENSSH PRIVATE KEY-----\n');
    expect((await run('key register @id_ed25519.pub')).stdout).toBe(
      'Registered SSH key id_ed25519 (aa:bb:cc)\n',
    );
    expect(api.called('registerSSHKeyPair')[0]).toMatchObject({
      name: 'id_ed25519',
      publickey: 'ssh-ed25519 AAAA me@laptop',
    });
    const refused = await run('key register @id_ed25519');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('id_ed25519.pub') as string });
    expect(api.called('registerSSHKeyPair')).toHaveLength(1);
  });

  test('create prints the private key, or writes it where only its owner can read it', async () => {
    const privatekey = '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n';
    api.answer({ createSSHKeyPair: ({ name }) => ({ keypair: { ...key, name, privatekey } }) });
    expect((await run('key create web')).stdout).toBe(privatekey);
    expect((await run('key create web --file @web.pem')).stdout).not.toContain('abc');
    expect(await readFile(join(folder, 'web.pem'), 'utf8')).toBe(privatekey);
    expect((await stat(join(folder, 'web.pem'))).mode & 0o777).toBe(0o600);
    const again = await run('key create web --file @web.pem');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('EEXIST') as string });
    expect(api.called('createSSHKeyPair')).toHaveLength(2);
    api.answer({
      createSSHKeyPair: () => {
        throw new Refusal(431, "A key pair with name 'web' already exists.");
      },
    });
    expect((await run('key create web --file @other.pem')).code).toBe(1);
    await expect(stat(join(folder, 'other.pem'))).rejects.toThrow('ENOENT');
  });

  test('list and delete', async () => {
    api.answer({ deleteSSHKeyPair: () => ({ success: true }) });
    expect((await run('key list')).stdout).toMatch(/^me +aa:bb:cc +admin$/m);
    expect((await run('key delete me')).stdout).toBe('Removed SSH key me\n');
    expect(api.called('deleteSSHKeyPair')[0]).toMatchObject({ name: 'me' });
  });
});
