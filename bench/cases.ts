/** The comparisons: which file, over which path, with which other tools, and which goals. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ARIA2,
  ARIA2_WIDE,
  aria2,
  CURL,
  curl,
  curlHash,
  curls,
  curlTee,
  curlUnpack,
  HASH,
  TEE,
} from './contestants.ts';
import type { Contestant, Served } from './contestants.ts';
import { serveFile } from './origin.ts';
import { makePackedImage, PACKERS } from './packed-image.ts';
import type { Packer } from './packed-image.ts';
import { warm, writeRandomFile } from './random-file.ts';
import { asFastAs, atMostAsLongAs, cpuAtMost, memoryAtMost } from './results.ts';
import type { GoalOf } from './results.ts';
import { openSlowPath } from './slow-path.ts';

export interface Serving extends Served {
  close(): Promise<void>;
}

export interface Case {
  readonly name: string;
  /** Description for the head of the table. */
  readonly title: string;
  /** Share of the requested size. */
  readonly share: number;
  /** Number of simultaneous downloads. */
  readonly copies: number;
  /** Tools compared with Bypass. */
  readonly others: readonly Contestant[];
  /** Tools that the comparison requires. */
  readonly programs: readonly string[];
  readonly goals: readonly GoalOf[];
  /** Whether peak memory is compared with that for a file of an eighth of the size. */
  readonly alsoSmall?: boolean;
  /** Creates a file of `size` bytes in an empty folder, and serves it. */
  serve(folder: string, size: number, signal: AbortSignal): Promise<Serving>;
}

const MEMORY = memoryAtMost(200);
const CPU = cpuAtMost(HASH, 1.25);

const MIB = 1024 ** 2;
/** Parameters of `openSlowPath`: rate of one connection and round-trip time. */
const PATH = { roundTripMs: 50, bytesPerSecond: 4 * MIB };

async function serveRandom(
  folder: string,
  size: number,
  signal: AbortSignal,
  https = false,
): Promise<Serving & { readonly port: number }> {
  const root = join(folder, 'source');
  await mkdir(root);
  const file = join(root, 'image.raw');
  const sha256 = await writeRandomFile(file, size, signal);
  await warm(file);
  const { name, ...origin } = await serveFile(file, folder, https);
  return { ...origin, server: name, sha256, size, imageSize: size, format: 'RAW' };
}

async function serveFarAway(folder: string, size: number, signal: AbortSignal): Promise<Serving> {
  const served = await serveRandom(folder, size, signal);
  const path = await openSlowPath(served.port, PATH).catch(async (error: unknown) => {
    await served.close();
    throw error;
  });
  const close = async (): Promise<void> => {
    await path.close();
    await served.close();
  };
  return { ...served, url: served.url.replace(`:${served.port}/`, `:${path.port}/`), close };
}

async function servePacked(
  folder: string,
  size: number,
  signal: AbortSignal,
  packer: Packer,
): Promise<Serving> {
  const root = join(folder, 'source');
  await mkdir(root);
  const { path, sha256, packedSize, imageSize } = await makePackedImage(root, size, packer, signal);
  await warm(path);
  const { name, ...origin } = await serveFile(path, folder);
  return { ...origin, server: name, sha256, size: packedSize, imageSize, format: 'QCOW2' };
}

const packed = (packer: Packer): Case => {
  const { suffix, program } = PACKERS[packer];
  const other = curlUnpack(program);
  return {
    name: suffix,
    title: `Download, verify, unpack and inspect a .qcow2.${suffix}`,
    share: 1 / 2,
    copies: 1,
    others: [other],
    programs: ['qemu-img', program],
    goals: [atMostAsLongAs(other.name, 1.15), MEMORY],
    serve: (folder, size, signal) => servePacked(folder, size, signal, packer),
  };
};

const AT_ONCE = 4;

export const CASES: readonly Case[] = [
  {
    name: 'http',
    title: 'Download and verify',
    share: 1,
    copies: 1,
    others: [curl(), curlHash(), curlTee, aria2(ARIA2)],
    programs: [],
    goals: [atMostAsLongAs(CURL, 1.4), CPU, asFastAs(ARIA2, 2.5), asFastAs(TEE, 2.3), MEMORY],
    alsoSmall: true,
    serve: serveRandom,
  },
  {
    name: 'https',
    title: 'Download and verify over HTTPS',
    share: 1,
    copies: 1,
    others: [curl(true), curlHash(true), aria2(ARIA2, true)],
    programs: [],
    goals: [atMostAsLongAs(CURL, 1.4), CPU, asFastAs(ARIA2, 2.5), MEMORY],
    serve: (folder, size, signal) => serveRandom(folder, size, signal, true),
  },
  {
    name: 'delayed',
    title: `Download and verify over a path of ${PATH.roundTripMs} ms with ${PATH.bytesPerSecond / MIB} MiB/s for each connection`,
    share: 1 / 8,
    copies: 1,
    others: [aria2(ARIA2_WIDE)],
    programs: [],
    goals: [atMostAsLongAs(ARIA2_WIDE, 1), MEMORY],
    serve: serveFarAway,
  },
  packed('xz'),
  packed('gz'),
  packed('zst'),
  {
    name: 'four',
    title: `${AT_ONCE} downloads at once on one host, verified`,
    share: 1 / AT_ONCE,
    copies: AT_ONCE,
    others: [curls(AT_ONCE)],
    programs: [],
    goals: [MEMORY],
    serve: serveRandom,
  },
];
