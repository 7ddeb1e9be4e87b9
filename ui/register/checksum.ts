/** What a pasted checksum is: the length tells the algorithm. */
const BY_LENGTH: Readonly<Record<number, string>> = {
  32: 'MD5',
  40: 'SHA-1',
  56: 'SHA-224',
  64: 'SHA-256',
  96: 'SHA-384',
  128: 'SHA-512',
};

export interface RecognisedChecksum {
  readonly algorithm: string;
  /** `{ALG}hex`, as the API takes it. */
  readonly value: string;
}

/** @returns undefined for what is no checksum of a known length */
export function recogniseChecksum(text: string): RecognisedChecksum | undefined {
  const [, named, hex = ''] = /^(?:\{([A-Z0-9-]+)\})?\s*([0-9a-f]+)$/i.exec(text.trim()) ?? [];
  const algorithm = BY_LENGTH[hex.length];
  if (algorithm === undefined || (named !== undefined && named !== algorithm)) return undefined;
  return { algorithm, value: `{${algorithm}}${hex.toLowerCase()}` };
}
