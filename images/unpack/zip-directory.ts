/** The directory of a zip archive: which of its files is the image, and which are companion files. */
import type { ImageError } from '../../model/failures.ts';
import { damaged, hostile } from './failures.ts';
import {
  CENTRAL_LENGTH,
  checkEnd,
  contradicts,
  findDirectory,
  isFolder,
  parseCentral,
  signature,
  signatureAt,
} from './zip-records.ts';
import type { CentralFile } from './zip-records.ts';

/** Maximum bytes of a directory and the records after it. */
export const MAX_DIRECTORY = 1_048_576;
/** Maximum bytes of the records at the end of an archive, with the longest comment. */
const END_LENGTH = 66 * 1024;

const RESOURCES = /^__MACOSX\/|(?:^|\/)(?:\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)$/i;
const DOCUMENTS =
  /\.(?:txt|md|rst|nfo|html?|pdf|rtf|docx?|csv|log|json|xml|ya?ml|ini|url|asc|sig|sign|gpg|pem|md5|sha\d+|(?:md5|sha\d+)sums?|mf|ovf|vmx|vbox|jpe?g|png|gif|svg)$/i;
const DOCUMENT_NAMES =
  /(?:^|\/)(?:readme|licen[cs]e|copying|copyright|change(?:s|log)|notice|authors|credits|news|eula|version|(?:md5|sha\d+|check)-?sums?)$/i;

/** Whether a file, by its name, is a companion of an image: a resource fork of macOS, a text, a signature. */
export function isCompanion(name: Buffer): boolean {
  const text = name.toString('latin1');
  return [RESOURCES, DOCUMENTS, DOCUMENT_NAMES].some((pattern) => pattern.test(text));
}

export const moreThanOne = (): ImageError =>
  hostile('is a zip archive of more than one file that may be the image');

/**
 * @param bytes from the beginning of the directory to the end of the file
 * @param start their position in the file
 * @throws ImageError when the directory is damaged, or lists anything but regular files and folders
 */
export function parseDirectory(bytes: Buffer, start: number): readonly CentralFile[] {
  const files: CentralFile[] = [];
  let at = 0;
  while (signatureAt(bytes, at) === signature.centralFile) {
    if (bytes.length < at + CENTRAL_LENGTH) throw damaged('ends in the middle');
    const file = parseCentral(bytes.subarray(at));
    files.push(file);
    at += file.length;
  }
  if (files.length === 0) throw damaged('has no zip directory where it is due');
  checkEnd(bytes, at, start, files.length);
  return files;
}

/** @throws ImageError when no file, or more than one, may be the image */
export function imageOf(files: readonly CentralFile[]): CentralFile {
  const images = files.filter((file) => !isFolder(file) && !isCompanion(file.name));
  const [image] = images;
  if (image === undefined) throw hostile('is a zip archive without a file that may be an image');
  if (images.length > 1) throw moreThanOne();
  return image;
}

/** Reads a file from `first` to its end; undefined when the source does not serve ranges. */
export type ReadEnd = (first: number) => Promise<Buffer | undefined>;

/**
 * Reads the directory of an archive from its end.
 * @returns undefined when the source does not serve ranges
 * @throws ImageError when the directory is absent or damaged
 */
export async function readDirectory(
  total: number,
  readEnd: ReadEnd,
): Promise<readonly CentralFile[] | undefined> {
  const first = Math.max(0, total - END_LENGTH);
  const end = await readEnd(first);
  if (end === undefined) return undefined;
  const start = findDirectory(end, first);
  if (start > total || total - start > MAX_DIRECTORY) throw contradicts();
  if (start >= first) return parseDirectory(end.subarray(start - first), start);
  const whole = await readEnd(start);
  return whole && parseDirectory(whole, start);
}
