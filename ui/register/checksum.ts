/** Parses a pasted checksum as the API does. */
import { formatChecksum, parseChecksum } from '../../model/checksum.ts';

export interface RecognisedChecksum {
  readonly algorithm: string;
  /** `{ALG}hex`. */
  readonly value: string;
}

/** @returns undefined when the text is no checksum */
export function recogniseChecksum(text: string): RecognisedChecksum | undefined {
  try {
    const checksum = parseChecksum(text);
    return { algorithm: checksum.algorithm, value: formatChecksum(checksum) };
  } catch {
    return undefined;
  }
}
