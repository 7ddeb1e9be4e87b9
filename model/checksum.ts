/** Checksums as CloudStack writes them, `{SHA-256}hex`, and as others do: `sha256:hex`, or the digits alone. */

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
 * Parses `{ALG}hex`, `alg:hex` and `alg=hex`, the algorithm as anybody writes it (`SHA-256`, `sha256`, `SHA2-256`), and
 * digits alone, whose number implies the algorithm.
 * @throws ChecksumSyntaxError with a sentence that says what would be right
 */
export function parseChecksum(text: string): Checksum {
  const [, braced, plain, digits = ''] = /^(?:\{([^}]*)\}|([^{}:=]*)[:=])?(.*)$/s.exec(text.trim()) ?? [];
  const name = braced ?? plain;
  const hex = digits.trim().toLowerCase();
  const algorithm = name === undefined ? byLength(hex) : algorithmNamed(name);
  if (algorithm === undefined) {
    throw new ChecksumSyntaxError(name === undefined ? ofNoLength(hex) : noAlgorithm(name));
  }
  if (!/^[0-9a-f]*$/.test(hex)) {
    throw new ChecksumSyntaxError(`${algorithm} takes hex digits (0-9, a-f) only`);
  }
  if (hex.length !== HEX_LENGTH[algorithm]) {
    throw new ChecksumSyntaxError(
      `${algorithm} takes ${HEX_LENGTH[algorithm]} hex digits, not ${hex.length}`,
    );
  }
  return { algorithm, hex };
}

const byLength = (hex: string): ChecksumAlgorithm | undefined =>
  CHECKSUM_ALGORITHMS.find((algorithm) => HEX_LENGTH[algorithm] === hex.length);

/** What is named is said only where it can be a name: a secret that was pasted here by mistake is not repeated. */
const ALGORITHM_LIKE = /^(?:|[a-z]{1,6}[-_]?\d{0,4}(?:[-_]\d{1,4})?)$/i;

const noAlgorithm = (name: string): string =>
  `algorithm ${ALGORITHM_LIKE.test(name) ? `'${name}' ` : ''}is not one of ${CHECKSUM_ALGORITHMS.join(', ')}, as in {SHA-256}<64 hex digits>`;

const ofNoLength = (hex: string): string =>
  `${hex.length} characters are the length of no checksum; hex digits take ${CHECKSUM_ALGORITHMS.map(
    (algorithm) => `${HEX_LENGTH[algorithm]} (${algorithm})`,
  ).join(', ')}`;

export const formatChecksum = ({ algorithm, hex }: Checksum): string => `{${algorithm}}${hex}`;

/** Node's (OpenSSL's) name of an algorithm. */
export const digestName = (algorithm: ChecksumAlgorithm): string => algorithm.replace('-', '').toLowerCase();

/** As in checksums, metalinks and elsewhere: `sha-256`, `SHA256`, `sha2-256`; undefined when it is not known. */
export function algorithmNamed(name: string): ChecksumAlgorithm | undefined {
  const plain = name
    .trim()
    .toLowerCase()
    .replace(/^sha(?:2[-_])?[-_]?(?=\d)/, 'sha');
  return CHECKSUM_ALGORITHMS.find((algorithm) => digestName(algorithm) === plain);
}
