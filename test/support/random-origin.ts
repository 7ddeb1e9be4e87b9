/** An origin with random answers, reproducible by seed. */
import type { Socket } from 'node:net';
import type { Behaviour, Hostile } from './hostile-origin.ts';
import { rawDisk } from './images.ts';
import { below, pick } from './mutations.ts';
import type { Random } from './mutations.ts';

/** The successive versions of the file at the source. */
export const VERSIONS: readonly Buffer[] = [rawDisk(300_000, 1), rawDisk(300_000, 2), rawDisk(250_112, 3)];

export interface RandomOrigin {
  readonly behaviour: Behaviour;
  /** Makes the origin answer correctly from now on. @returns the present version of the file */
  settle(): Buffer;
}

const HTTP = 'HTTP/1.1';
const chance = (random: Random, percent: number): boolean => below(random, 100) < percent;

/**
 * Cuts, stalls, refuses, redirects and changes the file, but never lies: its headers, where present, name the right
 * bytes
 * of the right version.
 */
export function truthfulOrigin(random: Random): RandomOrigin {
  let version = 0;
  let settled = false;
  const tagged = pick(random, ['strong', 'strong', 'strong', 'weak', 'none'] as const);
  const behaviour: Behaviour = async (hostile) => {
    if (settled) return hostile.answer(stateOf(version));
    if (version < VERSIONS.length - 1 && chance(random, 8)) version += 1;
    if (chance(random, 15)) return nonsense(hostile, random);
    const file = VERSIONS[version] ?? Buffer.alloc(0);
    const etag = { strong: `"v${version}"`, weak: `W/"v${version}"`, none: undefined }[tagged];
    const condition = hostile.headers.get('if-range');
    const range = /^bytes=(\d+)-(\d*)$/.exec(hostile.headers.get('range') ?? '');
    const partial =
      range !== null &&
      !chance(random, 15) &&
      (condition === undefined || condition === etag || chance(random, 20));
    const first = partial ? Number(range[1]) : 0;
    const last = partial && range[2] !== '' ? Math.min(Number(range[2]), file.length - 1) : file.length - 1;
    if (first > last)
      return hostile.head(`${HTTP} 416 No`, `Content-Range: bytes */${file.length}`, 'Content-Length: 0');
    const part = file.subarray(first, last + 1);
    const framing = pick(random, ['length', 'length', 'length', 'chunks', 'close'] as const);
    await hostile.head(
      `${HTTP} ${partial ? '206 Part' : '200 OK'}`,
      ...(etag === undefined ? [] : [`${pick(random, ['ETag', 'etag', 'ETAG'])}: ${etag}`]),
      ...(partial ? [`Content-Range: bytes ${first}-${last}/${chance(random, 10) ? '*' : file.length}`] : []),
      ...(framing === 'length' ? [`Content-Length: ${part.length}`] : []),
      ...(framing === 'chunks' ? ['Transfer-Encoding: chunked'] : []),
      ...(chance(random, 5) ? ['Content-Encoding: gzip'] : []),
      ...(chance(random, 5) ? [`X-Long: ${'x'.repeat(below(random, 20_000))}`] : []),
      'Connection: close',
    );
    await deliver(hostile, part, framing, random);
  };
  return { behaviour, settle: () => ((settled = true), VERSIONS[version] ?? Buffer.alloc(0)) };
}

const stateOf = (version: number) => ({ body: VERSIONS[version] ?? Buffer.alloc(0), etag: `"v${version}"` });

async function deliver(
  { send, socket }: Hostile,
  part: Buffer,
  framing: 'length' | 'chunks' | 'close',
  random: Random,
): Promise<void> {
  const cut = chance(random, 45) ? below(random, part.length + 1) : part.length;
  for (let at = 0; at < cut;) {
    const piece = part.subarray(at, Math.min(cut, at + 1 + below(random, 100_000)));
    at += piece.length;
    const sent = framing === 'chunks' ? await send(asChunk(piece)) : await send(piece);
    if (!sent) return;
  }
  if (cut === part.length && framing === 'chunks') await send('0\r\n\r\n');
  leave(socket, random);
}

const asChunk = (piece: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);

function leave(socket: Socket, random: Random): void {
  const how = below(random, 20);
  // One in twenty never answers.
  if (how === 0) return;
  if (how === 1) socket.resetAndDestroy();
  else socket.end();
}

async function nonsense(hostile: Hostile, random: Random): Promise<void> {
  const { send, socket } = hostile;
  const head = (...lines: readonly string[]): Promise<boolean> => hostile.head(...lines);
  const kind = below(random, 8);
  const empty = 'Content-Length: 0';
  if (kind === 0) await head(`${HTTP} 416 No`, `Content-Range: bytes */${below(random, 400_000)}`, empty);
  else if (kind === 1) await head(`${HTTP} ${pick(random, [401, 403, 404, 410, 500, 502])} No`, empty);
  else if (kind === 2) await head(`${HTTP} ${pick(random, [429, 503])} Later`, 'Retry-After: 1', empty);
  else if (kind === 3)
    await head(`${HTTP} 302 There`, `Location: ${pick(random, ['?again', '', 'ftp://a/', '//['])}`, empty);
  else if (kind === 4) await head(`${HTTP} ${pick(random, [101, 204, 205, 300, 304])} Odd`, empty);
  else if (kind === 5) await head(`${HTTP} 103 Early`, 'ETag: "early"');
  else if (kind === 6)
    await send(Buffer.from(Array.from({ length: below(random, 200) }, () => below(random, 256))));
  leave(socket, random);
}

const LENGTHS = [
  '0',
  '1',
  '299999',
  '300000',
  '300001',
  '-1',
  '1e5',
  '',
  ' 5 ',
  '9007199254740993',
  '99999999999999999999',
];
const RANGES = [
  'bytes 0-299999/300000',
  'bytes 0-9/300000',
  'bytes 5-4/300000',
  'bytes */300000',
  'bytes 0-0/1',
  'bytes',
  '',
];
const TAGS = ['"v0"', '"v0"', '"v1"', 'W/"v0"', '"', '""', 'v0', '"v0", "v1"', '"\u00ff"'];
const FIELDS = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip',
  'Content-Encoding: gzip',
  'Connection: keep-alive',
].concat([
  'Trailer: ETag',
  'Content-Length',
  ': x',
  'X: \u0000',
  ' folded',
  'Location: /x',
  'Retry-After: 5',
  'Accept-Ranges: none',
]);

/** Sends any headers and bytes, so that only a checksum can find the right ones. */
export function lyingOrigin(random: Random): RandomOrigin {
  let settled = false;
  const file = VERSIONS[0] ?? Buffer.alloc(0);
  const behaviour: Behaviour = async (hostile) => {
    if (settled) return hostile.answer(stateOf(0));
    if (chance(random, 15)) return nonsense(hostile, random);
    const asked = chance(random, 70) ? hostile.from : below(random, file.length);
    const from = Math.min(asked, file.length);
    const part = chance(random, 10) ? rawDisk(300_000, 9).subarray(from) : file.subarray(from);
    const status = pick(random, [200, 200, 206, 206, 206, 203, 226]);
    const range = chance(random, 60)
      ? `bytes ${from}-${file.length - 1}/${file.length}`
      : pick(random, RANGES);
    await hostile.head(
      `${HTTP} ${status} OK`,
      ...(chance(random, 80) ? [`ETag: ${pick(random, TAGS)}`] : []),
      ...(chance(random, 80) ? [`Content-Range: ${range}`] : []),
      ...(chance(random, 85)
        ? [`Content-Length: ${chance(random, 70) ? part.length : pick(random, LENGTHS)}`]
        : []),
      ...(chance(random, 15) ? [pick(random, FIELDS)] : []),
    );
    await deliver(hostile, part, pick(random, ['length', 'length', 'chunks'] as const), random);
  };
  return { behaviour, settle: () => ((settled = true), file) };
}
