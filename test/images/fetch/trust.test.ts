/** What sources trust, and what they show of this host: where a keystore alone decides. workers/tls-matrix has the rest. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { createHttpSource } from '../../../images/fetch/protocols/http/http.ts';
import type { Source } from '../../../images/fetch/protocol.ts';
import { createTrust } from '../../../images/fetch/network/trust.ts';
import type { KeystoreEntry } from '../../../model/certificate.ts';
import { openKeystore } from '../../../trust/keystore.ts';
import type { Keystore } from '../../../trust/keystore.ts';
import { createAuthority, selfSignedServer } from '../../support/authority.ts';
import type { Issued } from '../../support/authority.ts';
import { onLoopback } from '../../support/loopback.ts';

const BODY = Buffer.from('an image');

let folder: string;
let keystore: Keystore;
let source: Source;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-trust-'));
  keystore = openKeystore(folder);
  const read = openKeystore(folder);
  source = createHttpSource({ ...onLoopback, trust: createTrust(read) });
});
afterEach(() => rm(folder, { recursive: true }));

const der = ({ cert }: Issued): Buffer => new X509Certificate(cert).raw;

function entry(authority: Issued, client?: Issued): KeystoreEntry {
  const certificates = [der(authority)];
  if (client === undefined) return { alias: 'mirror', certificates };
  const key = createPrivateKey(client.key).export({ type: 'pkcs8', format: 'der' });
  return { alias: 'mirror', certificates, client: { certificates: [der(client)], key } };
}

/** @returns who asked, by the common name of the client's certificate; '' for nobody */
const visitors: string[] = [];

async function serving(options: ServerOptions, use: (url: string) => Promise<void>): Promise<void> {
  const server = createTlsServer(options, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    visitors.push(String(subject?.CN ?? ''));
    response.end(BODY);
  });
  await listening(server, 'https', use);
}

async function listening(server: Server, scheme: string, use: (url: string) => Promise<void>): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  try {
    await use(`${scheme}://localhost:${(server.address() as AddressInfo).port}/image`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

/** What a look at the file gives: its bytes, or why there are none. */
async function look(url: string): Promise<string> {
  try {
    const { head } = await source.probe({ url, signal: AbortSignal.timeout(20_000) });
    return head.toString();
  } catch (error) {
    const { kind, message } = error as { readonly kind?: string; readonly message: string };
    return `${kind}: ${message}`;
  }
}

const UPLOAD = 'uploadTemplateDirectDownloadCertificate';
const GIVEN = BODY.toString();

test('two authorities of one name are distinguished by their signatures', async () => {
  const [known, other] = [createAuthority('RSA'), createAuthority('RSA')];
  await keystore.write([entry(known)]);
  await serving(other.issue({ name: 'localhost' }), async (url) => {
    expect(await look(url)).toMatch(
      /^TlsFailed: .*not signed by the authority .*upload.*'CN=RSA root' that did/,
    );
  });
});

describe('a client certificate', () => {
  const root = createAuthority('ECDSA');
  const client = root.issue({ name: 'this host', names: [] });
  const asking = { requestCert: true, rejectUnauthorized: false };

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'without one, the failure says which upload helps (%s)',
    async (version) => {
      const versions = { minVersion: version, maxVersion: version };
      const server = {
        ...root.issue({ name: 'localhost' }),
        ...asking,
        rejectUnauthorized: true,
        ca: root.cert,
      };
      await serving({ ...server, ...versions }, async (url) => {
        await keystore.write([entry(root)]);
        expect(await look(url)).toMatch(
          new RegExp(`TlsFailed: .*client certificate.*clientcertificate and privatekey.*${UPLOAD}`),
        );
      });
    },
  );

  test('demanded by nginx, which accepts the connection and then answers 400, is reported as well', async () => {
    await keystore.write([entry(root)]);
    const page = '<html><h1>400 Bad Request</h1>No required SSL certificate was sent<hr>nginx</html>';
    const server = createTlsServer(
      { ...root.issue({ name: 'localhost' }), ...asking },
      (request, response) => {
        const shown = (request.socket as TLSSocket).getPeerCertificate().subject !== undefined;
        response.writeHead(shown ? 200 : 400, { server: 'nginx' }).end(shown ? BODY : page);
      },
    );
    await listening(server, 'https', async (url) => {
      expect(await look(url)).toMatch(
        new RegExp(
          `^Refused: answers 400 Bad Request: it may demand a client certificate.*clientcertificate.*${UPLOAD}`,
        ),
      );
      await keystore.write([entry(root, client)]);
      expect(await look(url)).toBe(GIVEN);
    });
  });

  test('is shown to servers of its own authority, and to no other server', async () => {
    const stranger = selfSignedServer('ECDSA');
    const friend = root.issue({ name: 'localhost' });
    const impostor = root.issue({ name: 'other', names: ['other.example.org'] });
    await keystore.write([entry(root, client), { ...entry(stranger), alias: 'stranger' }]);
    visitors.length = 0;
    await serving({ ...friend, ...asking, ca: root.cert }, async (url) =>
      expect(await look(url)).toBe(GIVEN),
    );
    await serving({ ...stranger, ...asking }, async (url) => expect(await look(url)).toBe(GIVEN));
    expect(visitors).toEqual(['this host', '']);
    // Of its authority, but not who it says that it is.
    const shown: unknown[] = [];
    const server = createTlsServer({ ...impostor, ...asking, ca: root.cert });
    server.on('secureConnection', (socket: TLSSocket) => shown.push(socket.getPeerCertificate().subject));
    await listening(server, 'https', async (url) => {
      expect(await look(url)).toMatch(/another host name/);
    });
    expect(shown.filter((subject) => subject !== undefined)).toEqual([]);
  });
});
