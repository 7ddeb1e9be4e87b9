/** One download from a bad origin, and that nothing is left of it but what is right. */
import { readFile } from 'node:fs/promises';
import { download } from '../../images/download.ts';
import type { DownloadRequest } from '../../images/download.ts';
import type { HttpOptions } from '../../images/sources/http-options.ts';
import { ImageError } from '../../model/failures.ts';
import type { FailureKind } from '../../model/failures.ts';
import type { DownloadLab } from './download-lab.ts';
import { sha256 } from './images.ts';

const MIB = 1_048_576;
/** Bytes of memory outside the heap that a download of any size may take. */
const MEMORY = 96 * MIB;

export interface Expected {
  /** The file published. */
  readonly bytes: Buffer;
  readonly kind?: FailureKind;
  readonly message?: RegExp;
  readonly retryAfterMs?: number | [number, number];
  /** A sentence that the timeline has. */
  readonly note?: string;
  /** Bytes fetched at most; 1.05 times the file when nothing else is said. */
  readonly fetched?: number;
  /** Part files are kept, for the next attempt. */
  readonly kept?: boolean | 'perhaps';
}

export interface Given {
  readonly http?: HttpOptions;
  readonly request?: Partial<DownloadRequest>;
}

export async function checkDownload(
  lab: DownloadLab,
  url: string,
  expected: Expected,
  { http = {}, request = {} }: Given = {},
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
  const [least, most] = [expected.retryAfterMs ?? 0].flat().concat([expected.retryAfterMs ?? 0].flat());
  expect(retryAfterMs).toBeGreaterThanOrEqual(least ?? 0);
  expect(retryAfterMs).toBeLessThanOrEqual(most ?? 0);
  expect(await lab.published()).toEqual([]);
  if (expected.kept === 'perhaps') return;
  expect((await lab.parts()).length > 0).toBe(expected.kept === true);
}

/** Looks at the memory outside the heap while a download runs. */
function watchMemory(): { peak(): number } {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }, 10);
  return {
    peak() {
      clearInterval(timer);
      return most;
    },
  };
}
