/** SSH key pairs: public keys as users give them, in the format of OpenSSH (RFC 4253, section 6.6), and new pairs. */
import { createHash, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

export interface SshPublicKey {
  /** Type and key, without a comment: `ssh-ed25519 AAAA…`. */
  readonly text: string;
  /** MD5 of the key, as pairs of hexadecimal digits with colons between, as CloudStack shows it. */
  readonly fingerprint: string;
}

/** How many fields a key of each type has, its type included, and how many bytes the last ones have where that is fixed. */
const TYPES: Readonly<Record<string, { readonly fields: number; readonly lastBytes?: number }>> = {
  'ssh-rsa': { fields: 3 },
  'ssh-dss': { fields: 5 },
  'ssh-ed25519': { fields: 2, lastBytes: 32 },
  'ecdsa-sha2-nistp256': { fields: 3, lastBytes: 65 },
  'ecdsa-sha2-nistp384': { fields: 3, lastBytes: 97 },
  'ecdsa-sha2-nistp521': { fields: 3, lastBytes: 133 },
  'sk-ssh-ed25519@openssh.com': { fields: 3 },
  'sk-ecdsa-sha2-nistp256@openssh.com': { fields: 4 },
};

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * A line of `id_ed25519.pub`; also the whole line as base64, which CloudStack takes as well.
 * @returns undefined for what is no public key
 */
export function parseSshPublicKey(given: string): SshPublicKey | undefined {
  const line = given.trim();
  const whole =
    line.includes(' ') || !BASE64.test(line) ? line : Buffer.from(line, 'base64').toString('latin1').trim();
  if (/[\r\n]/.test(whole)) return undefined;
  const [type = '', encoded = ''] = whole.split(/[ \t]+/);
  const kind = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (kind === undefined || !BASE64.test(encoded)) return undefined;
  const blob = Buffer.from(encoded, 'base64');
  const fields = fieldsOf(blob);
  if (fields?.length !== kind.fields || fields[0]?.toString('latin1') !== type) return undefined;
  if (kind.lastBytes !== undefined && fields.at(-1)?.length !== kind.lastBytes) return undefined;
  return publicKey(type, blob);
}

const publicKey = (type: string, blob: Buffer): SshPublicKey => ({
  text: `${type} ${blob.toString('base64')}`,
  fingerprint: (createHash('md5').update(blob).digest('hex').match(/../g) ?? []).join(':'),
});

const LENGTH_BYTES = 4;

/** The fields of a key, each behind its length; undefined when the bytes do not end with one. */
function fieldsOf(blob: Buffer): readonly Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + LENGTH_BYTES > blob.length) return undefined;
    const end = at + LENGTH_BYTES + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return fields;
}

const field = (content: Buffer): Buffer => {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
};

/** A positive number is preceded by a zero byte where its first bit is set (RFC 4251, section 5). */
const number = (base64url = ''): Buffer => {
  const bytes = Buffer.from(base64url, 'base64url');
  return field((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
};

/** That of ssh-keygen. */
const MODULUS_BITS = 3072;

/** A new pair with RSA, whose private key every SSH client reads in the format of CloudStack, PEM of PKCS#1. */
export async function createSshKeyPair(): Promise<SshPublicKey & { readonly privateKey: string }> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS });
  const { n, e } = pair.publicKey.export({ format: 'jwk' });
  const type = 'ssh-rsa';
  const blob = Buffer.concat([field(Buffer.from(type)), number(e), number(n)]);
  return {
    ...publicKey(type, blob),
    privateKey: pair.privateKey.export({ format: 'pem', type: 'pkcs1' }).toString(),
  };
}
