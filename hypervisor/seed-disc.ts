/**
 * Makes the disc of first boot data: an ISO 9660 file system (ECMA-119) with a few small files in its root. It says each name
 * three times, so that every system finds the file by the name that was given: in capitals, as ECMA-119 wants it; by Rock
 * Ridge, which Linux and BSD read; and in a second tree by Joliet, which Windows reads.
 *
 *   sector 16       the volume, 17 the same for Joliet, 18 the end of the list of volumes
 *   sector 19, 20   the folders of the first tree by number, in either order of bytes; 21, 22 those of Joliet
 *   sector 23, 24   the root of the first tree, and that of Joliet
 *   sector 25 on    the files, each from the beginning of a sector; then zeros
 *
 * A root is one sector, which holds the records of some ten files.
 */

const SECTOR = 2048;
const [VOLUME, JOLIET_VOLUME, LAST_VOLUME] = [16, 17, 18];
const TABLES = 19;
const ROOT = 23;
const FILES = 25;
/** Zeros at the end, as xorriso and mkisofs write them: BusyBox takes a disc of less than 68 KiB for one that cannot be read. */
const PADDING = 150;

interface File {
  readonly name: string;
  readonly content: Buffer;
  /** Its first sector. */
  readonly at: number;
}

/** One of the two trees. */
interface Tree {
  /** Kind of its volume, and the mark of the characters of its names. */
  readonly kind: 1 | 2;
  readonly characters: string;
  readonly root: number;
  readonly tables: number;
  readonly text: (text: string) => Buffer;
  readonly nameOf: (file: File) => Buffer;
  /** What Rock Ridge adds to the record of the root itself, of its parent, or of a file. */
  readonly more: (of: 'root' | 'parent' | File) => Buffer;
}

/**
 * @param label at most 16 characters
 * @param contents name → content; ASCII names
 */
export function seedDisc(label: string, contents: Readonly<Record<string, Buffer | string>>): Buffer {
  let next = FILES;
  const files = Object.entries(contents)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, given]): File => {
      const content = Buffer.from(given as string);
      const at = next;
      next += Math.ceil(content.length / SECTOR);
      return { name, content, at };
    });
  const sectors = next + PADDING;
  const disc = Buffer.alloc(sectors * SECTOR);
  const made = new Date();
  for (const [sector, tree] of [
    [VOLUME, PLAIN],
    [JOLIET_VOLUME, JOLIET],
  ] as const) {
    volume({ label, sectors, made }, tree).copy(disc, sector * SECTOR);
    pathTable(tree.root, 'little').copy(disc, tree.tables * SECTOR);
    pathTable(tree.root, 'big').copy(disc, (tree.tables + 1) * SECTOR);
    rootOf(tree, files, made).copy(disc, tree.root * SECTOR);
  }
  Buffer.from('\xffCD001\x01', 'latin1').copy(disc, LAST_VOLUME * SECTOR);
  for (const { content, at } of files) content.copy(disc, at * SECTOR);
  return disc;
}

/** A number in both orders of bytes. */
function both(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}

function bothShort(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const capitals = (name: string): string => name.toUpperCase().replaceAll('-', '_');

/** An entry of Rock Ridge: two letters, its length, version 1, data. */
const entry = (letters: string, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from(letters), Buffer.from([4 + data.length, 1]), data]);

const FOLDER_MODE = 0o040555;
const FILE_MODE = 0o100444;
const ROCK_RIDGE = entry('SP', Buffer.from([0xbe, 0xef, 0]));
const EXTENSION = entry('ER', Buffer.from('\x0a\x00\x00\x01RRIP_1991A', 'latin1'));
/** Mode, number of names, user and group: root's. */
const owned = (mode: number, links: number): Buffer =>
  entry('PX', Buffer.concat([both(mode), both(links), both(0), both(0)]));

function rockRidge(of: 'root' | 'parent' | File): Buffer {
  if (of === 'root') return Buffer.concat([ROCK_RIDGE, owned(FOLDER_MODE, 2), EXTENSION]);
  if (of === 'parent') return owned(FOLDER_MODE, 2);
  return Buffer.concat([
    owned(FILE_MODE, 1),
    entry('NM', Buffer.concat([Buffer.alloc(1), Buffer.from(of.name)])),
  ]);
}

const PLAIN: Tree = {
  kind: 1,
  characters: '',
  root: ROOT,
  tables: TABLES,
  text: (text) => Buffer.from(text),
  nameOf: ({ name }) => Buffer.from(`${capitals(name)}.;1`),
  more: rockRidge,
};

const JOLIET: Tree = {
  kind: 2,
  characters: '%/E',
  root: ROOT + 1,
  tables: TABLES + 2,
  text: utf16,
  nameOf: ({ name }) => utf16(`${name};1`),
  more: () => Buffer.alloc(0),
};

/** ECMA-119 8.4 and 8.5. */
function volume(
  { label, sectors, made }: { readonly label: string; readonly sectors: number; readonly made: Date },
  tree: Tree,
): Buffer {
  const bytes = Buffer.alloc(SECTOR);
  bytes[0] = tree.kind;
  bytes.write('CD001\x01', 1, 'latin1');
  for (const [at, length] of EMPTY_TEXTS) tree.text(' '.repeat(length)).copy(bytes, at, 0, length);
  tree.text(label.padEnd(32)).copy(bytes, 40, 0, 32);
  both(sectors).copy(bytes, 80);
  bytes.write(tree.characters, 88);
  for (const at of [120, 124]) bothShort(1).copy(bytes, at);
  bothShort(SECTOR).copy(bytes, 128);
  both(pathTable(tree.root, 'little').length).copy(bytes, 132);
  bytes.writeUInt32LE(tree.tables, 140);
  bytes.writeUInt32BE(tree.tables + 1, 148);
  record(tree.root, { name: ITSELF, length: SECTOR, isFolder: true, made }).copy(bytes, 156);
  const digits = made.toISOString().replaceAll(/\D/g, '').slice(0, 16);
  for (const at of [813, 830]) bytes.write(digits, at);
  for (const at of [847, 864]) bytes.write('0'.repeat(16), at);
  bytes[881] = 1;
  return bytes;
}

/** System, set of volumes, publisher, who prepared it and with what, and names of files about these. */
const EMPTY_TEXTS = [
  [8, 32],
  [190, 128],
  [318, 128],
  [446, 128],
  [574, 128],
  [702, 37],
  [739, 37],
  [776, 37],
] as const;

const ITSELF = Buffer.from([0]);
const PARENT = Buffer.from([1]);

/** The root alone. */
function pathTable(root: number, order: 'little' | 'big'): Buffer {
  const bytes = Buffer.alloc(10);
  bytes[0] = ITSELF.length;
  if (order === 'little') bytes.writeUInt32LE(root, 2);
  else bytes.writeUInt32BE(root, 2);
  bytes[order === 'little' ? 6 : 7] = 1;
  return bytes;
}

function rootOf({ root, nameOf, more }: Tree, files: readonly File[], made: Date): Buffer {
  const folder = { length: SECTOR, isFolder: true, made };
  const records = [
    record(root, { ...folder, name: ITSELF, more: more('root') }),
    record(root, { ...folder, name: PARENT, more: more('parent') }),
    ...files.map((file) =>
      record(file.at, {
        name: nameOf(file),
        length: file.content.length,
        isFolder: false,
        made,
        more: more(file),
      }),
    ),
  ];
  const bytes = Buffer.concat(records);
  if (bytes.length > SECTOR) throw new RangeError('A disc of first boot data has too many files');
  return bytes;
}

interface Recorded {
  readonly name: Buffer;
  /** Bytes. */
  readonly length: number;
  readonly isFolder: boolean;
  readonly made: Date;
  readonly more?: Buffer;
}

/** ECMA-119 9.1: a file or folder, and where it begins. */
function record(at: number, { name, length, isFolder, made, more = Buffer.alloc(0) }: Recorded): Buffer {
  const padding = Buffer.alloc((name.length + 1) % 2);
  const head = Buffer.alloc(2);
  const time = Buffer.from([
    made.getUTCFullYear() - 1900,
    made.getUTCMonth() + 1,
    made.getUTCDate(),
    made.getUTCHours(),
    made.getUTCMinutes(),
    made.getUTCSeconds(),
    0,
  ]);
  const flags = Buffer.from([isFolder ? 2 : 0, 0, 0]);
  const named = Buffer.concat([Buffer.from([name.length]), name, padding]);
  const bytes = Buffer.concat([head, both(at), both(length), time, flags, bothShort(1), named, more]);
  const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
  even[0] = even.length;
  return even;
}
