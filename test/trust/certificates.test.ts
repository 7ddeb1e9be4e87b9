/** Texts that people paste as certificates: which are accepted, and why others are refused. */
import { execFileSync } from 'node:child_process';
import { X509Certificate, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { CertificateError, entryDigest, readCertificates, readPrivateKey } from '../../trust/certificates.ts';
import { ALGORITHMS, createAuthority } from '../support/authority.ts';
import { needing } from '../support/programs.ts';

const NOW = new Date();
const roots = ALGORITHMS.map((algorithm) => createAuthority(algorithm));
const [rsa, ecdsa, ed25519] = roots.map(({ cert }) => cert) as [string, string, string];
const bare = (pem: string): string => pem.replace(/-----[^-]+-----|\n/g, '');
const read = (text: string): readonly string[] =>
  readCertificates(text, NOW).map(({ fingerprint256 }) => fingerprint256);
const printOf = (pem: string): string => new X509Certificate(pem).fingerprint256;

test.each([
  ['as it is', (pem: string) => pem],
  ['without line breaks', (pem: string) => pem.replaceAll('\n', '')],
  ['without markers', bare],
  ['without markers, with line breaks', (pem: string) => bare(pem).replace(/.{1,64}/g, '$&\n')],
  ['with the line breaks of Windows', (pem: string) => pem.replaceAll('\n', '\r\n')],
  ['with spaces for line breaks', (pem: string) => pem.replaceAll('\n', ' ')],
  ['with the line breaks of JSON', (pem: string) => pem.replaceAll('\n', '\\n')],
])('a certificate of each algorithm is read %s', (_name, change) => {
  for (const pem of [rsa, ecdsa, ed25519]) expect(read(change(pem))).toEqual([printOf(pem)]);
});

test('a chain, a bundle with comments and several certificates without markers are read, each certificate once', () => {
  const prints = [rsa, ecdsa, ed25519].map(printOf);
  expect(read(rsa + ecdsa + ed25519)).toEqual(prints);
  expect(read(`# An authority\n${rsa}\nSubject: CN=two\n${ecdsa}${rsa}${ed25519}`)).toEqual(prints);
  expect(read([rsa, ecdsa, ed25519].map(bare).join('\n'))).toEqual(prints);
});

const refusal = (text: string): string => {
  try {
    readCertificates(text, NOW);
  } catch (error) {
    if (error instanceof CertificateError) return error.message;
    throw error;
  }
  return 'it is taken';
};

test.each([
  ['nothing', ' \n', /is empty/],
  ['a word', 'certificate!', /base64 does not have/],
  ['base64 of something else', Buffer.from('hello, world').toString('base64'), /not a certificate/],
  ['a certificate with garbage behind it', `${bare(rsa)}YWJjZGVm`, /not a certificate/],
  ['half a certificate', bare(rsa).slice(0, 400), /not a certificate/],
  ['a certificate without its END line', rsa.replace(/-----END[^]*/, ''), /BEGIN or END line without/],
  [
    'a public key',
    generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string,
    /holds a PUBLIC KEY/,
  ],
  [
    'an expired certificate',
    createAuthority('RSA', { days: -3 }).cert,
    /expired on \d{4}-\d\d-\d\d \(CN=RSA root\)/,
  ],
  [
    'a certificate that is not valid yet',
    createAuthority('ECDSA', { fromDays: 5 }).cert,
    /not yet valid, but from \d{4}-\d\d-\d\d on/,
  ],
  ['an expired certificate in a bundle', ecdsa + createAuthority('Ed25519', { days: -3 }).cert, /expired on/],
])('%s is refused', (_name, text, message) => {
  expect(refusal(text)).toMatch(message);
});

test('a private key is refused in every form, and no message quotes it', () => {
  for (const { key, cert } of roots) {
    const sealed = createPrivateKey(key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    for (const text of [key, bare(key), cert + key, sealed as string, bare(sealed as string)]) {
      expect(refusal(text)).toMatch(/holds a private key: give the certificate alone/);
      expect(refusal(text)).not.toContain(bare(text).slice(0, 20));
    }
  }
});

test('the key of a client certificate must belong to it and have no passphrase', () => {
  for (const root of roots) {
    const client = root.issue({ name: 'client' });
    const own = new X509Certificate(client.cert);
    expect(readPrivateKey(client.key, own).type).toBe('private');
    expect(readPrivateKey(bare(client.key), own).type).toBe('private');
    expect(() => readPrivateKey(root.key, own)).toThrow(
      /does not belong to the client certificate \(CN=client\)/,
    );
    expect(() => readPrivateKey(client.cert, own)).toThrow(/is not a private key/);
    const sealed = createPrivateKey(client.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    expect(() => readPrivateKey(sealed as string, own)).toThrow(/passphrase/);
  }
});

test('the digest of an entry depends on each part and on their order', () => {
  const [a, b] = [Buffer.from('a'), Buffer.from('b')];
  const digests = [
    entryDigest([a], undefined),
    entryDigest([a, b], undefined),
    entryDigest([b, a], undefined),
    entryDigest([a], [b]),
  ];
  expect(new Set(digests).size).toBe(4);
});

needing('openssl')('OpenSSL', () => {
  test.each(['pkcs1', 'sec1'] as const)('writes keys in %s, which are recognised as private keys', (form) => {
    const key = form === 'pkcs1' ? roots[0]?.key : roots[1]?.key;
    const args = [form === 'pkcs1' ? 'rsa' : 'ec', ...(form === 'pkcs1' ? ['-traditional'] : [])];
    const pem = execFileSync('openssl', args, {
      input: key ?? '',
      stdio: ['pipe', 'pipe', 'ignore'],
    }).toString();
    expect(refusal(pem)).toMatch(/private key/);
    expect(refusal(bare(pem))).toMatch(/private key/);
  });
});
