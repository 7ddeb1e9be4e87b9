/**
 * A protocol that only this file knows, added to the registry by one line: templates are registered by it through the API
 * and deployed, and the URL policy, the display of URLs and the order of mirrors treat it as they treat the others.
 */
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildServer } from '../../api/server/server.ts';
import { createClient } from '../../cli/client.ts';
import type { ApiClient } from '../../cli/client.ts';
import { createAccount } from '../../db/accounts/accounts.ts';
import { setConfiguration } from '../../db/zones/configurations.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { PROBE_LENGTH } from '../../images/fetch/protocol.ts';
import type { OpenedSource, Protocol, SourceRequest } from '../../images/fetch/protocol.ts';
import { withoutProof } from '../../model/answer.ts';
import { ImageError } from '../../model/failures.ts';
import { displayUrl, parseImageUrl, UrlSyntaxError } from '../../model/url.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { openHostLab } from '../labs/host.ts';
import type { HostLab } from '../labs/host.ts';
import { apiDependencies } from '../support/api-dependencies.ts';
import { rawDisk } from '../support/images.ts';
import { onLoopback } from '../support/loopback.ts';
import { metalink4 } from '../support/metalinks.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';

const files = new Map<string, Buffer>();
/** What the sources were asked for: each URL with the user name that came with it. */
const requests: { readonly url: string; readonly user: string | undefined }[] = [];

/** Gives files out of `files`, to those who know the password of the URL's host. */
const MEM: Protocol = {
  schemes: { mem: 11_211 },
  servicePorts: ['11211'],
  ranges: false,
  credentials: ['password'],
  openToUsers: true,
  parse(text) {
    if (!/^mem:\/\/[^/]+\/[a-z.]+(?:\?|$)/.test(text)) throw new UrlSyntaxError('has no name of a mem file');
  },
  create({ egress }) {
    const open = async ({ url, secrets }: SourceRequest): Promise<OpenedSource> => {
      await egress.route(new URL(url), 1000);
      requests.push({ url, user: secrets?.username });
      const bytes = files.get(new URL(url).pathname);
      if (bytes === undefined) throw new ImageError('NotFound', 'is not there', { url: displayUrl(url) });
      if (secrets?.password !== 'sesame') {
        throw new ImageError('Refused', 'wants a password', { url: displayUrl(url) });
      }
      async function* body(): AsyncGenerator<readonly Buffer[]> {
        yield [bytes ?? Buffer.alloc(0)];
      }
      return {
        finalUrl: displayUrl(url),
        total: bytes.length,
        etag: undefined,
        lastModified: undefined,
        contentType: undefined,
        ranges: false,
        offset: 0,
        body: body(),
        arrived: () => bytes.length,
        giveBack: () => undefined,
        close: () => undefined,
      };
    };
    return {
      open,
      async probe(request) {
        const { body, ...facts } = await open(request);
        const chunks: Buffer[] = [];
        for await (const batch of body) chunks.push(...batch);
        return { ...facts, head: Buffer.concat(chunks).subarray(0, PROBE_LENGTH) };
      },
    };
  },
};

/** The one line. */
const protocols = [...PROTOCOLS, MEM];

const image = rawDisk(300_000);
let lab: ControlLab;
let hostLab: HostLab;
let host: ScriptedHost;
let server: ReturnType<typeof buildServer>;
let api: ApiClient;

beforeAll(async () => {
  lab = await openControlLab({ protocols });
  hostLab = await openHostLab(
    { openSealed: async ({ sealed = '', templateId }) => host.open(sealed, templateId) },
    { ...onLoopback, protocols },
  );
  host = await lab.addHost({
    name: 'kvm-1',
    script: {
      async probe(job) {
        const found = await hostLab.activities.quick.probe(job);
        return { ...(withoutProof(found) as typeof found), hostId: host.hostId };
      },
      async download(job) {
        const done = await hostLab.activities.transfer.download({ ...job, poolId: await hostLab.poolId() });
        return { ...(withoutProof(done) as typeof done), hostId: host.hostId, pool: host.pool() };
      },
    },
  });
  const { db, masterKey, orchestration } = lab;
  server = buildServer(apiDependencies({ db, masterKey, orchestration, protocols }));
  await server.listen({ port: 0, host: '127.0.0.1' });
  const user = await createAccount(db, masterKey, { username: 'alice', password: 'a password' }, 'user');
  const { port } = server.server.address() as AddressInfo;
  api = createClient({ url: `http://127.0.0.1:${port}/client/api`, ...user, origin: 'the test' });
  files.set('/image.raw', image);
  files.set('/image.metalink', metalink4(['mem://127.0.0.1/gone.raw', 'mem://127.0.0.1/image.raw']));
});
afterAll(async () => {
  await server.close();
  await lab.close();
  await hostLab.close();
});

interface Registered {
  readonly template: readonly { readonly id: string; readonly url: string; readonly isready: boolean }[];
}

const register = (url: string, more: Readonly<Record<string, string>> = {}): Promise<Registered> =>
  api.call('registerTemplate', {
    name: 'made up',
    format: 'RAW',
    hypervisor: 'KVM',
    zoneid: lab.zoneId,
    url,
    ...more,
  });

test('a template is registered and deployed by it, from the mirror that answered, with credentials that nobody sees', async () => {
  const { template } = await register('mem://me:sesame@127.0.0.1/image.metalink?token=tamarind');
  const [registered] = template;
  expect(registered).toMatchObject({ isready: true, url: 'mem://127.0.0.1/image.metalink?…' });
  expect(requests).toContainEqual({ url: 'mem://127.0.0.1/image.metalink?token=tamarind', user: 'me' });

  const copy = { templateId: registered?.id ?? '', poolId: lab.poolId('kvm-1') };
  expect(await lab.finished(await lab.prepare(copy))).toMatchObject({ job_status: 1 });
  const [name = ''] = await hostLab.published();
  expect((await readFile(join(hostLab.root, name))).equals(image)).toBe(true);

  const job = host.jobs.at(-1);
  expect(job?.mirrors.map(({ url }) => url)).toEqual([
    'mem://127.0.0.1/image.raw',
    'mem://127.0.0.1/gone.raw',
  ]);
  const rows = [
    await lab.db.selectFrom('vm_template').where('uuid', '=', copy.templateId).select(['url']).execute(),
    await lab.db.selectFrom('template_mirror').selectAll().execute(),
    await lab.db.selectFrom('event').selectAll().execute(),
    await lab.attempts(copy),
    job,
    template,
  ];
  expect(JSON.stringify(rows)).not.toMatch(/sesame|tamarind/);
});

test.each([
  ['mem://127.0.0.1/', {}, 'has no name of a mem file'],
  [
    'mem://127.0.0.1/image.raw',
    { 'details[0].HTTP_HEADER:X-Token': 'x' },
    'only http and https URLs take them',
  ],
  ['mem://me:sesame@127.0.0.1:6379/image.raw', {}, 'port 6379 is that of another kind of service'],
  ['mem://me:sesame@169.254.169.254/image.raw', {}, 'it leads to a metadata service of a cloud'],
  ['smb://127.0.0.1/image.raw', {}, 'has scheme smb; http, https, nfs and mem are taken'],
])('%s is refused as URLs of other protocols are', async (url, more, sentence) => {
  await expect(register(url, more)).rejects.toThrow(sentence);
});

test('a zone whose setting does not list its scheme refuses it', async () => {
  const name = 'direct.download.url.schemes';
  await setConfiguration(lab.db, name, 'https');
  const url = 'mem://me:sesame@127.0.0.1/image.raw';
  await expect(register(url)).rejects.toThrow('rule "scheme": only https URLs are fetched');
  await setConfiguration(lab.db, name, undefined);
  expect((await register(url)).template[0]).toMatchObject({ isready: true });
});

test('clients and the page read its scheme from the API', async () => {
  const { capability } = await api.call<{ readonly capability: object }>('listCapabilities');
  expect(capability).toMatchObject({ urlschemes: 'http,https,nfs,mem' });
});

test('without that line it is unknown', () => {
  expect(() => parseImageUrl('mem://127.0.0.1/image.raw', PROTOCOLS)).toThrow(
    'has scheme mem; http, https and nfs are taken',
  );
});
