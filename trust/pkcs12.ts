/**
 * Reads and writes PKCS#12 keystores (RFC 7292) that Java's keytool and OpenSSL can read. It uses only forge's ASN.1 and
 * keeps the DER of certificates unchanged: forge's own PKCS#12 knows only RSA keys and encodes certificates again.
 */
import { createPrivateKey, randomBytes, timingSafeEqual } from 'node:crypto';
import forge from 'node-forge';
import type { KeystoreEntry } from '../model/certificate.ts';

const { asn1 } = forge;
type Asn1 = forge.asn1.Asn1;

const OID = {
  data: '1.2.840.113549.1.7.1',
  certBag: '1.2.840.113549.1.12.10.1.3',
  keyBag: '1.2.840.113549.1.12.10.1.2',
  x509: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  /** Oracle's attribute: without it Java takes a certificate for a part of a chain, and does not list it. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyUsage: '2.5.29.37.0',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

const VERSION = 3;
const MAC_BYTES = 32;
const SALT_BYTES = 20;
const ITERATIONS = 2048;
const MAX_ITERATIONS = 100_000;
const MAC_KEY = 3;
/** Suffix of the names of client certificates and keys. An alias has no dot, so the name is unambiguous. */
const CLIENT = '.client';

/** The file is no keystore, or has another password. */
export class KeystoreDamaged extends Error {}

export function writePkcs12(entries: readonly KeystoreEntry[], password: string): Buffer {
  const contents = sequence(entries.flatMap((entry) => bagsOf(entry, password)));
  const safe = toBinary(sequence([dataOf(toBinary(contents))]));
  const salt = randomBytes(SALT_BYTES);
  const pfx = sequence([
    integer(VERSION),
    dataOf(safe),
    sequence([
      sequence([sequence([oid(OID.sha256), nothing()]), octets(mac(safe, password, salt, ITERATIONS))]),
      octets(salt.toString('latin1')),
      integer(ITERATIONS),
    ]),
  ]);
  return Buffer.from(toBinary(pfx), 'latin1');
}

/** @throws KeystoreDamaged */
export function readPkcs12(file: Buffer, password: string): readonly KeystoreEntry[] {
  try {
    const pfx = children(asn1.fromDer(file.toString('latin1')));
    const safe = contentOf(pfx[1]);
    checkMac(safe, pfx[2], password);
    const bags = children(asn1.fromDer(safe))
      .flatMap((info) => children(asn1.fromDer(contentOf(info))))
      .map(readBag);
    return entriesOf(bags, password);
  } catch (error) {
    throw new KeystoreDamaged('it is not a keystore of this host, or damaged', { cause: error });
  }
}

// ---- Writing

function bagsOf({ alias, certificates, client }: KeystoreEntry, password: string): Asn1[] {
  const trusted = certificates.map((der, at) =>
    certBag(der, [nameAttribute(numbered(alias, at)), attribute(OID.trustedKeyUsage, oid(OID.anyUsage))]),
  );
  if (client === undefined) return trusted;
  const keyId = attribute(OID.localKeyId, octets(alias));
  const own = client.certificates.map((der, at) =>
    certBag(der, [nameAttribute(numbered(alias + CLIENT, at)), ...(at === 0 ? [keyId] : [])]),
  );
  return [...trusted, ...own, keyBag(client.key, password, [nameAttribute(alias + CLIENT), keyId])];
}

/** The first certificate has the name itself, so that Java lists a single certificate by its alias. */
const numbered = (name: string, at: number): string => (at === 0 ? name : `${name}.${at + 1}`);

const certBag = (der: Uint8Array, attributes: Asn1[]): Asn1 =>
  bag(
    OID.certBag,
    sequence([oid(OID.x509), explicit(octets(Buffer.from(der).toString('latin1')))]),
    attributes,
  );

/** Node's OpenSSL encrypts the key, since forge can encrypt RSA keys only. */
function keyBag(key: Uint8Array, password: string, attributes: Asn1[]): Asn1 {
  const encrypted = createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' }).export({
    format: 'der',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: password,
  });
  return bag(OID.keyBag, asn1.fromDer(encrypted.toString('latin1')), attributes);
}

const bag = (type: string, value: Asn1, attributes: Asn1[]): Asn1 =>
  sequence([oid(type), explicit(value), set(attributes)]);

const attribute = (type: string, value: Asn1): Asn1 => sequence([oid(type), set([value])]);

const nameAttribute = (name: string): Asn1 =>
  attribute(OID.friendlyName, primitive(asn1.Type.BMPSTRING, name));

const dataOf = (content: string): Asn1 => sequence([oid(OID.data), explicit(octets(content))]);

function mac(content: string, password: string, salt: Buffer, iterations: number): string {
  const key = forge.pkcs12.generateKey(
    password,
    forge.util.createBuffer(salt.toString('latin1')),
    MAC_KEY,
    iterations,
    MAC_BYTES,
    forge.md.sha256.create(),
  );
  const hmac = forge.hmac.create();
  hmac.start('sha256', key);
  hmac.update(content);
  return hmac.digest().getBytes();
}

// ---- Reading

interface Bag {
  readonly type: string;
  readonly name: string;
  readonly value: Asn1;
}

function readBag(bagged: Asn1): Bag {
  const [type, wrapped, attributes] = children(bagged);
  const named = children(attributes).find((found) => oidOf(children(found)[0]) === OID.friendlyName);
  return { type: oidOf(type), name: text(only(children(named)[1])), value: only(wrapped) };
}

function entriesOf(bags: readonly Bag[], password: string): readonly KeystoreEntry[] {
  const trusted = new Map<string, Buffer[]>();
  const own = new Map<string, Buffer[]>();
  const keys = new Map<string, Buffer>();
  for (const { type, name, value } of bags) {
    const [alias = '', second] = name.split('.');
    const isClient = `.${second}` === CLIENT;
    if (type === OID.keyBag) keys.set(alias, openKey(value, password));
    else if (type === OID.certBag) {
      const to = isClient ? own : trusted;
      to.set(alias, [...(to.get(alias) ?? []), Buffer.from(text(only(children(value)[1])), 'latin1')]);
    }
  }
  return [...trusted].map(([alias, certificates]) => {
    const key = keys.get(alias);
    return key === undefined
      ? { alias, certificates }
      : { alias, certificates, client: { certificates: own.get(alias) ?? [], key } };
  });
}

const openKey = (encrypted: Asn1, passphrase: string): Buffer =>
  createPrivateKey({
    key: Buffer.from(toBinary(encrypted), 'latin1'),
    format: 'der',
    type: 'pkcs8',
    passphrase,
  }).export({ format: 'der', type: 'pkcs8' });

function checkMac(content: string, data: Asn1 | undefined, password: string): void {
  const [info, salt, rounds] = children(data);
  const [, stored] = children(info);
  const iterations = Number.parseInt(Buffer.from(text(rounds), 'latin1').toString('hex'), 16);
  if (!(iterations <= MAX_ITERATIONS)) throw new TypeError('no such MAC');
  const wanted = Buffer.from(text(stored), 'latin1');
  const made = Buffer.from(mac(content, password, Buffer.from(text(salt), 'latin1'), iterations), 'latin1');
  if (wanted.length !== made.length || !timingSafeEqual(wanted, made))
    throw new TypeError('the MAC is wrong');
}

const contentOf = (info: Asn1 | undefined): string => text(only(children(info)[1]));

const children = (node: Asn1 | undefined): Asn1[] => {
  if (node === undefined || !Array.isArray(node.value)) throw new TypeError('a structure was expected');
  return node.value;
};

const text = (node: Asn1 | undefined): string => {
  if (node === undefined || typeof node.value !== 'string') throw new TypeError('a value was expected');
  return node.value;
};

const oidOf = (node: Asn1 | undefined): string => asn1.derToOid(text(node));

const only = (node: Asn1 | undefined): Asn1 => {
  const [first] = children(node);
  if (first === undefined) throw new TypeError('something was expected');
  return first;
};

// ---- ASN.1

const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;

const primitive = (type: forge.asn1.Type, value: string): Asn1 => asn1.create(UNIVERSAL, type, false, value);
const sequence = (value: Asn1[]): Asn1 => asn1.create(UNIVERSAL, asn1.Type.SEQUENCE, true, value);
const set = (value: Asn1[]): Asn1 => asn1.create(UNIVERSAL, asn1.Type.SET, true, value);
const explicit = (value: Asn1): Asn1 => asn1.create(CONTEXT_SPECIFIC, 0, true, [value]);
const octets = (value: string): Asn1 => primitive(asn1.Type.OCTETSTRING, value);
const oid = (value: string): Asn1 => primitive(asn1.Type.OID, asn1.oidToDer(value).getBytes());
const nothing = (): Asn1 => primitive(asn1.Type.NULL, '');
const integer = (value: number): Asn1 => primitive(asn1.Type.INTEGER, asn1.integerToDer(value).getBytes());
const toBinary = (node: Asn1): string => asn1.toDer(node).getBytes();
