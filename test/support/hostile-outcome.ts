/** Runs a download from a hostile origin, and checks what it leaves. */
import { readFile } from 'node:fs/promises';
import { download } from '../../images/attempt/download.ts';
import type { DownloadRequest } from '../../images/attempt/download.ts';
import type { HttpOptions } from '../../images/fetch/protocols/http/http-options.ts';
import { ImageError } from '../../model/failures.ts';
import type { FailureKind } from '../../model/failures.ts';
import type { DownloadLab } from '../labs/download.ts';
import { sha256 } from './images.ts';

const MIB = 1_048_576;
/** Maximum bytes of memory outside the heap for a download of any size. */
const MEMORY = 96 * MIB;

export interface Expected {
  /** The published file. */
  readonly bytes: Buffer;
  readonly kind?: FailureKind;
  readonly message?: RegExp;
  readonly retryAfterMs?: number | [number, number];
  /** A sentence of the timeline. */
  readonly note?: string;
  /** Maximum fetched bytes. Default: 1.05 times the file. */
  readonly fetched?: number;
  /** Number of tries in the timeline. */
  readonly tries?: number;
  /** Whether part files are kept for the next attempt. */
  readonly kept?: boolean | 'perhaps';
}

export interface CheckOptions {
  readonly http?: HttpOptions;
  readonly request?: Partial<DownloadRequest>;
}

export async function checkDownload(
  lab: DownloadLab,
  url: string,
  expected: Expected,
  { http = {}, request = {} }: CheckOptions = {},
): Promise<void> {
  const asked = lab.request({ url, ...request });
  const memory = watchMemory();
  const notes: (string | undefined)[] = [];
  const onTry = ({ note }: { readonly note?: string }): void => void notes.push(note);
  const image = await download({ ...asked, onTry }, lab.deps({ http, checkpointBytes: MIB })).catch(
    (error: unknown) => error,
  );
  expect(memory.peak()).toBeLessThan(MEMORY);
  if (expected.note !== undefined) expect(notes).toContain(expected.note);
  if (expected.tries !== undefined) expect(notes).toHaveLength(expected.tries);
  if (expected.kind === undefined) {
    if (image instanceof Error) throw image;
    const { bytes, fetched = bytes.length * 1.05 } = expected;
    expect(image).toMatchObject({ sha256: sha256(bytes), installPath: asked.copyId });
    const { localPath, fetched: count } = image as { localPath: string; fetched: number };
    expect((await readFile(localPath)).equals(bytes)).toBe(true);
    expect(count).toBeLessThanOrEqual(fetched);
    expect(await lab.published()).toEqual([asked.copyId]);
    expect(await lab.parts()).toEqual([]);
    return;
  }
  expect(image).toBeInstanceOf(ImageError);
  expect(image).toMatchObject({ kind: expected.kind });
  const { message, retryAfterMs = 0 } = image as ImageError;
  if (expected.message !== undefined) expect(message).toMatch(expected.message);
  const [min, max] = [expected.retryAfterMs ?? 0].flat().concat([expected.retryAfterMs ?? 0].flat());
  expect(retryAfterMs).toBeGreaterThanOrEqual(min ?? 0);
  expect(retryAfterMs).toBeLessThanOrEqual(max ?? 0);
  expect(await lab.published()).toEqual([]);
  if (expected.kept === 'perhaps') return;
  expect((await lab.parts()).length > 0).toBe(expected.kept === true);
}

/** Measures the peak memory outside the heap during a download. */
function watchMemory(): { peak(): number } {
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
  }, 10);
  return {
    peak() {
      clearInterval(timer);
      return peak;
    },
  };
}
