/** Checksums as CloudStack writes them: `{SHA-256}hex`; without a prefix, MD5. */

/** Algorithm name → length of its hexadecimal form. */
const HEX_LENGTH = {
  MD5: 32,
  'SHA-1': 40,
  'SHA-224': 56,
  'SHA-256': 64,
  'SHA-384': 96,
  'SHA-512': 128,
} as const;

export type ChecksumAlgorithm = keyof typeof HEX_LENGTH;

export const CHECKSUM_ALGORITHMS = Object.keys(HEX_LENGTH) as readonly ChecksumAlgorithm[];

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Lower case. */
  readonly hex: string;
}

export class ChecksumSyntaxError extends Error {}

/**
 * Parses `{ALG}hex` or bare hex (MD5). Upper-case hex is accepted and folded.
 * @throws ChecksumSyntaxError with a sentence that says what would be right.
 */
export function parseChecksum(text: string): Checksum {
  const match = /^(?:\{([^}]*)\})?(.*)$/s.exec(text.trim());
  const algorithm = match?.[1] ?? 'MD5';
  const hex = (match?.[2] ?? '').toLowerCase();
  if (!isAlgorithm(algorithm)) {
    throw new ChecksumSyntaxError(
      `algorithm '${algorithm}' is not one of ${CHECKSUM_ALGORITHMS.join(', ')}, as in {SHA-256}<64 hex digits>`,
    );
  }
  if (hex.length !== HEX_LENGTH[algorithm]) {
    const hint = match?.[1] === undefined ? ' (no {ALG} prefix means MD5)' : '';
    throw new ChecksumSyntaxError(
      `${algorithm} takes ${HEX_LENGTH[algorithm]} hex digits, not ${hex.length}${hint}`,
    );
  }
  if (!/^[0-9a-f]*$/.test(hex)) {
    throw new ChecksumSyntaxError(`${algorithm} takes hex digits (0-9, a-f) only`);
  }
  return { algorithm, hex };
}

export const formatChecksum = ({ algorithm, hex }: Checksum): string => `{${algorithm}}${hex}`;

function isAlgorithm(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(HEX_LENGTH, name);
}

/** Node's (OpenSSL's) name of an algorithm. */
export const digestName = (algorithm: ChecksumAlgorithm): string => algorithm.replace('-', '').toLowerCase();

/** IANA's textual name as Metalink writes it (`sha-256`, `md5`), or undefined when we do not know it. */
export function algorithmFromMetalink(type: string): ChecksumAlgorithm | undefined {
  const name = type.trim().toUpperCase();
  const dashed = /^SHA\d/.test(name) ? name.replace('SHA', 'SHA-') : name;
  return isAlgorithm(dashed) ? dashed : undefined;
}
