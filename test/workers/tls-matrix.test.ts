/**
 * Servers of each kind, with keys of each kind, as a host worker finds them before their certificate was uploaded, after,
 * and when it is revoked. All of them are mirrors of one metalink, so that one registration asks for all.
 */
import { once } from 'node:events';
import type { ServerOptions } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { hostsOutOfSync } from '../../db/certificates/certificates.ts';
import { ALGORITHMS, createAuthority, selfSignedServer } from '../support/authority.ts';
import { isFullRun } from '../support/programs.ts';
import type { Algorithm, Issued } from '../support/authority.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { rawDisk } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { openRealHosts } from '../support/real-hosts.ts';
import type { RealHosts } from '../support/real-hosts.ts';
import { until } from '../support/until.ts';

const UPLOAD = 'uploadTemplateDirectDownloadCertificate';
const body = rawDisk(70_000);

interface Case {
  /** Absent: a server that closes at once. */
  readonly server?: ServerOptions;
  /** What an operator would upload for it. */
  readonly upload: Issued;
  readonly client?: Issued;
  readonly before: RegExp;
  /** Absent: the image is there. */
  readonly after?: RegExp;
}

const onlyIn = (version: 'TLSv1' | 'TLSv1.2' | 'TLSv1.3') => ({ minVersion: version, maxVersion: version });

let authorities = 0;
/** Each with a name of its own: by names, OpenSSL finds who issued a certificate. */
const newAuthority = (algorithm: Algorithm): Issued =>
  createAuthority(algorithm, { name: `${algorithm} root ${(authorities += 1)}` });

function demanding(algorithm: Algorithm, version: 'TLSv1.2' | 'TLSv1.3'): Case {
  const root = newAuthority(algorithm);
  const { key, cert } = root.issue({ name: 'localhost' });
  return {
    server: { key, cert, requestCert: true, rejectUnauthorized: true, ca: root.cert, ...onlyIn(version) },
    upload: root,
    client: root.issue({ name: 'the zone', names: [] }),
    before: /certificate/,
  };
}

const CASES: Readonly<Record<string, (algorithm: Algorithm) => Case>> = {
  'a self-signed certificate': (algorithm) => {
    const upload = selfSignedServer(algorithm);
    const before = new RegExp(`self-signed.*CN=localhost.*upload that certificate.*${UPLOAD}`);
    return { server: upload, upload, before };
  },
  'a private authority that the server sends': (algorithm) => {
    const upload = newAuthority(algorithm);
    const { key, cert } = upload.issue({ name: 'localhost' });
    const before = new RegExp(`does not trust: upload the certificate of 'CN=${algorithm} root \\d+'`);
    return { server: { key, cert: cert + upload.cert }, upload, before };
  },
  'a private authority that the server does not send': (algorithm) => {
    const upload = newAuthority(algorithm);
    const before = new RegExp(`unknown to this host: upload the certificate of 'CN=${algorithm} root \\d+'`);
    return { server: upload.issue({ name: 'localhost' }), upload, before };
  },
  'a chain whose intermediate is missing': (algorithm) => {
    const upload = newAuthority(algorithm).issue({ name: 'middle', ca: true });
    const before = /upload the certificate of 'CN=middle'.*intermediate certificate is missing/;
    return { server: upload.issue({ name: 'localhost' }), upload, before };
  },
  'an expired certificate': (algorithm) => {
    const upload = newAuthority(algorithm);
    const after = /has expired \('CN=localhost', on \d{4}-\d\d-\d\d\).*no upload helps/;
    return { server: upload.issue({ name: 'localhost', days: -1 }), upload, before: /certificate/, after };
  },
  'a certificate for another host': (algorithm) => {
    const upload = newAuthority(algorithm);
    const server = upload.issue({ name: 'other', names: ['other.example.org'] });
    const after = /another host name \(for other\.example\.org, not for localhost\).*no upload helps/;
    return { server, upload, before: /certificate/, after };
  },
  'a client certificate demanded in TLS 1.2': (algorithm) => demanding(algorithm, 'TLSv1.2'),
  'a client certificate demanded in TLS 1.3': (algorithm) => demanding(algorithm, 'TLSv1.3'),
  'TLS 1.0 only': (algorithm) => {
    const upload = selfSignedServer(algorithm);
    const reason = /speaks only a version of TLS that is too old/;
    const server = { ...upload, ...onlyIn('TLSv1'), ciphers: 'DEFAULT@SECLEVEL=0' };
    return { server, upload, before: reason, after: reason };
  },
  'a server that closes at once': (algorithm) => {
    const reason = /closed the connection in the TLS handshake/;
    return { upload: selfSignedServer(algorithm), before: reason, after: reason };
  },
};

interface Mirror extends Case {
  readonly what: string;
  readonly url: string;
  close(): Promise<void>;
}

/** The short form tests one algorithm; the cases differ in how the server presents itself. */
const TESTED = isFullRun ? ALGORITHMS : ALGORITHMS.slice(0, 1);

let lab: ControlLab;
let hosts: RealHosts;
let origin: ImageServer;
let mirrors: readonly Mirror[];

beforeAll(async () => {
  lab = await openControlLab();
  hosts = await openRealHosts(lab);
  await hosts.start('kvm-1');
  mirrors = await Promise.all(
    TESTED.flatMap((algorithm) =>
      Object.entries(CASES).map(([what, make]) => startMirror(`${what} (${algorithm})`, make(algorithm))),
    ),
  );
  origin = await startImageServer();
  origin.serve('/all.metalink', { body: metalink4(mirrors.map(({ url }) => url)) });
});
afterAll(async () => {
  await hosts.close();
  await Promise.all([origin, ...mirrors].map((one) => one.close()));
  await lab.close();
});

async function startMirror(what: string, made: Case): Promise<Mirror> {
  if (made.server === undefined) return { what, ...made, ...(await startClosing()) };
  const server = await startImageServer(made.server);
  server.serve('/image', { body });
  const url = server.url('/image').replace('127.0.0.1', 'localhost');
  return { what, ...made, url, close: () => server.close() };
}

async function startClosing(): Promise<Pick<Mirror, 'url' | 'close'>> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}/image`,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** The result of the host for each case: why the mirror was not reachable, or an empty text. */
async function found(): Promise<Readonly<Record<string, string>>> {
  const input = lab.registration({ url: origin.url('/all.metalink'), format: 'RAW' });
  const outcome = await lab.orchestration.register(input, 20_000);
  const urls =
    outcome.outcome === 'refused'
      ? outcome.refusal.urls
      : await lab.db
          .selectFrom('template_mirror')
          .innerJoin('vm_template', 'vm_template.id', 'template_id')
          .where('vm_template.uuid', '=', input.templateId)
          .select(['template_mirror.url', 'reason'])
          .execute();
  const reasons = new Map(urls.map(({ url, reason }) => [url, reason ?? '']));
  return Object.fromEntries(mirrors.map(({ what, url }) => [what, reasons.get(url) ?? 'was not asked']));
}

const expected = (of: (mirror: Mirror) => RegExp | undefined) =>
  Object.fromEntries(
    mirrors.map((mirror) => {
      const reason = of(mirror);
      return [mirror.what, reason === undefined ? '' : (expect.stringMatching(reason) as string)];
    }),
  );

/** A bundle for all that need no client certificate, and one for each that does. */
function uploadsOf(all: readonly Mirror[]) {
  const bundled = all.filter(({ client }) => client === undefined).map(({ upload }) => upload.cert);
  const mutual = all.flatMap(({ upload, client }, at) =>
    client === undefined
      ? []
      : [
          {
            name: `mutual-${at}`,
            certificate: upload.cert,
            clientcertificate: client.cert,
            privatekey: client.key,
          },
        ],
  );
  return [{ name: 'bundle', certificate: bundled.join('') }, ...mutual];
}

test('a host accepts each kind of server as expected before its certificate is uploaded, after, and when it is revoked', async () => {
  expect(mirrors).toHaveLength(TESTED.length * Object.keys(CASES).length);
  expect(await found()).toEqual(expected(({ before }) => before));

  const zone = { hypervisor: 'KVM', zoneid: lab.zoneId };
  const uploads = uploadsOf(mirrors);
  for (const given of uploads) await hosts.api.call(UPLOAD, { ...zone, ...given });
  await until('the host has them', async () => (await hostsOutOfSync(lab.db, 1)).length === 0);
  expect(await found()).toEqual(expected(({ after }) => after));

  for (const { name } of uploads) {
    await hosts.api.call('revokeTemplateDirectDownloadCertificate', { ...zone, name });
  }
  await until('the host has none', async () => (await hostsOutOfSync(lab.db, 1)).length === 0);
  expect(await found()).toEqual(expected(({ before }) => before));
});
