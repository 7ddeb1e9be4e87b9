/** The api over TLS, and the client commands that speak to it. */
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { followServerTls, loadServerTls } from '../../workers/api-tls.ts';
import { createLogger } from '../../workers/log.ts';
import { readSettings } from '../../workers/settings.ts';
import { openLab } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';
import { bypass } from '../cli/terminal.ts';
import { selfSigned } from '../support/certificates.ts';
import type { ServerCertificate } from '../support/certificates.ts';
import { until } from '../support/until.ts';

let folder: string;
const authority = selfSigned({ names: ['An authority'] });
const issued = selfSigned({ issuer: authority });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-tls-'));
  await write(issued);
  await writeFile(join(folder, 'ca.pem'), authority.cert);
});
afterAll(() => rm(folder, { recursive: true }));

async function write({ cert, key }: ServerCertificate): Promise<void> {
  await writeFile(join(folder, 'cert.pem'), cert);
  await writeFile(join(folder, 'key.pem'), key, { mode: 0o600 });
}

const settings = (changes: object = {}) =>
  readSettings({ apiTlsCert: join(folder, 'cert.pem'), apiTlsKey: join(folder, 'key.pem'), ...changes }, {});

describe('the api', () => {
  let lab: Lab;
  let url: string;
  beforeAll(async () => {
    lab = await openLab({ tls: await loadServerTls(settings()) });
    await lab.server.listen({ port: 0, host: '127.0.0.1' });
    url = `https://127.0.0.1:${(lab.server.server.address() as AddressInfo).port}`;
  });
  afterAll(() => lab.close());

  const run = (environment: NodeJS.ProcessEnv, at = url) => {
    const { apiKey, secretKey } = lab.admin;
    return bypass({ url: at, apiKey, secretKey }, ['zone', 'list'], { environment });
  };

  test('serves HTTPS to clients that trust its authority', async () => {
    const ran = await run({ BYPASS_CA_FILE: join(folder, 'ca.pem') });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('zone1');
  });

  test('is not trusted by other clients, which say what to do', async () => {
    const ran = await run({});
    expect(ran.code).toBe(3);
    expect(ran.stderr).toMatch(
      /of no authority that is trusted here: name the file of that with BYPASS_CA_FILE/,
    );
  });

  test('cannot be called by plain HTTP, nor without a readable file of authorities', async () => {
    expect(await run({}, url.replace('https', 'http'))).toMatchObject({ code: 3 });
    const ran = await run({ BYPASS_CA_FILE: join(folder, 'none.pem') });
    expect(ran.stderr).toMatch(/the authorities in .*none\.pem cannot be read/);
  });
});

test.each([
  ['a certificate without a key', { apiTlsKey: '' }, /BYPASS_API_TLS_KEY\) is missing/],
  ['a key without a certificate', { apiTlsCert: '' }, /BYPASS_API_TLS_CERT\) is missing/],
  ['a file that is not there', { apiTlsCert: '/nowhere.pem' }, /nowhere\.pem cannot be read/],
  ['a key that is not there', { apiTlsKey: '/nowhere.pem' }, /there is no key at/],
])('%s is refused with its reason', async (_what, changes, message) => {
  await expect(loadServerTls(settings(changes))).rejects.toThrow(message);
});

test('a key of another certificate, and a key that other users can read, are refused', async () => {
  const other = join(folder, 'other.pem');
  await writeFile(other, selfSigned().key, { mode: 0o600 });
  await expect(loadServerTls(settings({ apiTlsKey: other }))).rejects.toThrow(/is not the private key/);
  await chmod(other, 0o644);
  await expect(loadServerTls(settings({ apiTlsKey: other }))).rejects.toThrow(/mode 0644/);
});

test('without certificate and key the api serves plain HTTP', async () => {
  expect(await loadServerTls(settings({ apiTlsCert: '', apiTlsKey: '' }))).toBeUndefined();
});

test('a renewed certificate is used without a restart; a damaged one is not', async () => {
  const shown = (await loadServerTls(settings())) ?? issued;
  const server = createServer(shown).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const logger = createLogger('silent', 'api');
  const stop = followServerTls({ settings: settings(), logger }, server, shown, 20);
  try {
    await writeFile(join(folder, 'cert.pem'), 'half written');
    const renewed = selfSigned({ issuer: authority, names: ['localhost', 'renewed.test'] });
    expect(await namesOf(server)).not.toContain('renewed.test');
    await write(renewed);
    await until('the new one is shown', async () => (await namesOf(server)).includes('renewed.test'));
  } finally {
    stop();
    server.close();
    await write(issued);
  }
});

async function namesOf(server: Server): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const names = socket.getPeerCertificate().subjectaltname ?? '';
  socket.destroy();
  return names;
}
