/**
 * Servers of each kind, with keys of each kind, before their certificate is in the keystore, after, and when it is
 * gone again; always the same process, and the same sources.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { createHttpSource } from '../../images/sources/http.ts';
import type { Source } from '../../images/sources/source.ts';
import { createTrust } from '../../images/sources/trust.ts';
import type { KeystoreEntry } from '../../model/certificate.ts';
import { openKeystore } from '../../trust/keystore.ts';
import type { Keystore } from '../../trust/keystore.ts';
import { ALGORITHMS, createAuthority, selfSignedServer } from '../support/authority.ts';
import type { Algorithm, Issued } from '../support/authority.ts';
import { onLoopback } from '../support/loopback.ts';

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

interface Case {
  readonly server: ServerOptions;
  readonly upload: KeystoreEntry;
  readonly before: RegExp;
  readonly after: RegExp | string;
}

const CASES: Readonly<Record<string, (algorithm: Algorithm) => Case>> = {
  'a self-signed certificate': (algorithm) => {
    const server = selfSignedServer(algorithm);
    const before = new RegExp(`TlsFailed: .*self-signed.*CN=localhost.*upload that certificate.*${UPLOAD}`);
    return { server, upload: entry(server), before, after: GIVEN };
  },
  'a private authority that the server sends': (algorithm) => {
    const root = createAuthority(algorithm);
    const { key, cert } = root.issue({ name: 'localhost' });
    return {
      server: { key, cert: cert + root.cert },
      upload: entry(root),
      before: new RegExp(`TlsFailed: .*does not trust: upload the certificate of 'CN=${algorithm} root'`),
      after: GIVEN,
    };
  },
  'a private authority that the server does not send': (algorithm) => {
    const root = createAuthority(algorithm);
    return {
      server: root.issue({ name: 'localhost' }),
      upload: entry(root),
      before: new RegExp(
        `TlsFailed: .*unknown to this host: upload the certificate of 'CN=${algorithm} root'`,
      ),
      after: GIVEN,
    };
  },
  'a chain whose intermediate is missing': (algorithm) => {
    const middle = createAuthority(algorithm).issue({ name: 'middle', ca: true });
    return {
      server: middle.issue({ name: 'localhost' }),
      upload: entry(middle),
      before: /TlsFailed: .*upload the certificate of 'CN=middle'.*intermediate certificate is missing/,
      after: GIVEN,
    };
  },
  'an expired certificate': (algorithm) => {
    const root = createAuthority(algorithm);
    return {
      server: root.issue({ name: 'localhost', days: -1 }),
      upload: entry(root),
      before: /TlsFailed: /,
      after: /TlsFailed: .*has expired \('CN=localhost', on \d{4}-\d\d-\d\d\).*no upload helps/,
    };
  },
  'a certificate for another host': (algorithm) => {
    const root = createAuthority(algorithm);
    return {
      server: root.issue({ name: 'other', names: ['other.example.org'] }),
      upload: entry(root),
      before: /TlsFailed: /,
      after: /TlsFailed: .*another host name \(for other\.example\.org, not for localhost\).*no upload helps/,
    };
  },
  ...Object.fromEntries(
    (['TLSv1.2', 'TLSv1.3'] as const).map((version) => [
      `a client certificate demanded in ${version}`,
      (algorithm: Algorithm): Case => {
        const root = createAuthority(algorithm);
        const { key, cert } = root.issue({ name: 'localhost' });
        const demanding = { requestCert: true, rejectUnauthorized: true, ca: root.cert };
        return {
          server: { key, cert, ...demanding, minVersion: version, maxVersion: version },
          upload: entry(root, root.issue({ name: 'this host', names: [] })),
          before: /TlsFailed: /,
          after: GIVEN,
        };
      },
    ]),
  ),
  'TLS 1.0 only': (algorithm) => {
    const server = selfSignedServer(algorithm);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const reason = /TlsFailed: speaks only a version of TLS that is too old/;
    return { server: { ...server, ...old }, upload: entry(server), before: reason, after: reason };
  },
};

const rows = Object.entries(CASES).flatMap(([name, make]) =>
  ALGORITHMS.map((algorithm) => [name, algorithm, make] as const),
);

test.each(rows)('%s (%s)', async (_name, algorithm, make) => {
  const { server, upload, before, after } = make(algorithm);
  await serving(server, async (url) => {
    expect(await look(url)).toMatch(before);
    await keystore.write([upload]);
    expect(await look(url)).toMatch(after);
    await keystore.write([]);
    expect(await look(url)).toMatch(before);
  });
});

test.each(ALGORITHMS)('a server that closes at once, whatever is trusted (%s)', async (algorithm) => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  await listening(server, 'https', async (url) => {
    expect(await look(url)).toBe('TlsFailed: closed the connection in the TLS handshake');
    await keystore.write([entry(selfSignedServer(algorithm))]);
    expect(await look(url)).toBe('TlsFailed: closed the connection in the TLS handshake');
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

  test('is shown to servers of its own authority, and to nobody else who asks', async () => {
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
