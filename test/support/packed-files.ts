/** Packs files during the test, with the programs that people use. */
import { spawn } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import type { Compression } from '../../model/source.ts';
import { zipOf } from './zip.ts';

/** Runs a program with an input. @returns its output */
export function pipedThrough(program: string, args: readonly string[], input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${program} ended with ${code}`)),
    );
    child.stdin.end(input);
  });
}

const PACKERS: Readonly<Record<Compression, (bytes: Buffer) => Buffer | Promise<Buffer>>> = {
  gzip: (bytes) => gzipSync(bytes, { level: 1 }),
  zip: (bytes) => zipOf([{ name: 'disk.img', bytes }]),
  bzip2: (bytes) => pipedThrough('bzip2', ['-1c'], bytes),
  xz: (bytes) => pipedThrough('xz', ['-0c'], bytes),
  zstd: (bytes) => pipedThrough('zstd', ['-1cq'], bytes),
};

const made = new WeakMap<Buffer, Map<Compression, Promise<Buffer>>>();

/**
 * Packs bytes. The result is cached, since tests pack the same bytes again and again; no test may write into either
 * buffer.
 */
export function packed(compression: Compression, bytes: Buffer): Promise<Buffer> {
  const known = made.get(bytes) ?? new Map<Compression, Promise<Buffer>>();
  made.set(bytes, known);
  const result = known.get(compression) ?? Promise.resolve(PACKERS[compression](bytes));
  known.set(compression, result);
  return result;
}
