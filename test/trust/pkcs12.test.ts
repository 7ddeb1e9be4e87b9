/** PKCS#12 keystores: Java and OpenSSL read what Bypass writes. */
import { execFile } from 'node:child_process';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KeystoreEntry } from '../../model/certificate.ts';
import { KeystoreDamaged, readPkcs12, writePkcs12 } from '../../trust/pkcs12.ts';
import { ALGORITHMS, createAuthority } from '../support/authority.ts';
import { needing } from '../support/programs.ts';

const PASSWORD = 'correct-horse_Battery9';
const run = promisify(execFile);
const der = (pem: string): Buffer => new X509Certificate(pem).raw;

const authorities = ALGORITHMS.map((algorithm) => [algorithm, createAuthority(algorithm)] as const);
const entries: readonly KeystoreEntry[] = [
  ...authorities.map(([algorithm, { cert }]) => ({
    alias: `single-${algorithm.toLowerCase()}`,
    certificates: [der(cert)],
  })),
  { alias: 'bundle', certificates: authorities.map(([, { cert }]) => der(cert)) },
  ...authorities.map(([algorithm, authority]) => {
    const client = authority.issue({ name: `${algorithm} client` });
    return {
      alias: `mutual-${algorithm.toLowerCase()}`,
      certificates: [der(authority.cert)],
      client: {
        certificates: [der(client.cert), der(authority.cert)],
        key: createPrivateKey(client.key).export({ type: 'pkcs8', format: 'der' }),
      },
    };
  }),
];

const trusted = (alias: string): string => `${alias} trustedCertEntry`;

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-pkcs12-'));
  path = join(folder, 'certificates.p12');
  await writeFile(path, writePkcs12(entries, PASSWORD));
});
afterAll(() => rm(folder, { recursive: true }));

test('a keystore is read as it was written, byte for byte', () => {
  expect(readPkcs12(writePkcs12(entries, PASSWORD), PASSWORD)).toEqual(entries);
  expect(readPkcs12(writePkcs12([], PASSWORD), PASSWORD)).toEqual([]);
});

test('a keystore with another password, a changed byte or a cut is damaged, and so is an empty file', () => {
  const file = writePkcs12(entries, PASSWORD);
  const changed = Buffer.from(file);
  const middle = Math.floor(file.length / 2);
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  expect(() => readPkcs12(file, 'another')).toThrow(KeystoreDamaged);
  for (const bad of [changed, file.subarray(0, 500), Buffer.alloc(0), Buffer.from('no keystore')]) {
    expect(() => readPkcs12(bad, PASSWORD)).toThrow(KeystoreDamaged);
  }
});

needing('keytool')('Java', () => {
  test('lists every certificate as trusted, and a client key as a private key', async () => {
    const { stdout } = await run('keytool', ['-list', '-keystore', path, '-storepass', PASSWORD]);
    const listed = stdout
      .split('\n')
      .filter((line) => /Entry,/.test(line))
      .map((line) => line.replace(/^([^,]+),.*?([A-Za-z]+Entry),.*$/, '$1 $2'));
    expect(listed.sort()).toEqual(
      [
        ...['bundle', 'bundle.2', 'bundle.3'].map(trusted),
        ...['rsa', 'ecdsa', 'ed25519'].flatMap((kind) => [
          trusted(`single-${kind}`),
          trusted(`mutual-${kind}`),
          `mutual-${kind}.client PrivateKeyEntry`,
        ]),
      ].sort(),
    );
  });
});

needing('openssl')('OpenSSL', () => {
  test('reads all certificates and keys', async () => {
    const { stdout } = await run('openssl', ['pkcs12', '-in', path, '-passin', `pass:${PASSWORD}`, '-nodes']);
    expect(stdout.match(/BEGIN CERTIFICATE/g)).toHaveLength(3 + 3 + 3 * 3);
    expect(stdout.match(/BEGIN PRIVATE KEY/g)).toHaveLength(3);
  });
});
