/** The options of `bypass demo`. Wrong ones are refused before the demo starts anything. */
import { UsageError } from '../cli/errors.ts';
import { ChecksumSyntaxError, parseChecksum } from '../model/checksum.ts';

export interface DemoOptions {
  /** Address of the image. Default: the demo generates and serves one. */
  readonly url?: string;
  readonly checksum?: string;
  readonly format?: string;
  /** Prints the result as one line of JSON on stdout, and everything else on stderr. */
  readonly json: boolean;
}

const FORMATS = ['QCOW2', 'RAW', 'ISO'];

/** @throws UsageError that names the option and says what would be right */
export function checkDemoOptions({ url, checksum, format }: DemoOptions): void {
  if (url === undefined && (checksum ?? format) !== undefined) {
    const option = checksum === undefined ? '--format' : '--checksum';
    throw new UsageError(`${option} is about the image of --url: give that too`);
  }
  if (url !== undefined && !URL.canParse(url)) {
    throw new UsageError(`--url takes an address such as https://example.org/image.qcow2, not '${url}'`);
  }
  if (format !== undefined && !FORMATS.includes(format.toUpperCase())) {
    throw new UsageError(`--format takes QCOW2, RAW or ISO, not '${format}'`);
  }
  if (checksum !== undefined) checkChecksum(checksum);
}

function checkChecksum(checksum: string): void {
  try {
    parseChecksum(checksum);
  } catch (error) {
    if (!(error instanceof ChecksumSyntaxError)) throw error;
    throw new UsageError(`--checksum is not right: ${error.message}`);
  }
}
