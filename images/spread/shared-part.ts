/**
 * The part of a running attempt, as other hosts may read it while it grows.
 *
 * It observes the part, and gives the bytes of its good prefix alone. Whoever reads is in one of these states, all readers of
 * a run at once:
 * - following: the file grows; a reader waits at the end of the good prefix;
 * - whole: the image is published, and its inode never changes again. Readers read on to its end, by a descriptor of their
 *   own, also after the attempt has closed the file;
 * - gone: the attempt began anew, or it ended without publishing. Readers stop with `PartGone`.
 *
 * Must never happen: a reader that is given bytes of another run than it asked for. So a run ends only after the reads that
 * are under way (`#end` waits for them), and before the file is truncated or a later attempt goes on writing to it
 * (`restarting`, `close`).
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { HEAD_LENGTH } from '../inspect/format.ts';
import type { GrowthObserver } from '../growth-observer.ts';
import type { Part } from '../pools/pool.ts';
import { readAt } from '../reader.ts';
import type { Span } from '../spans.ts';
import { compressionOf } from '../unpack/compression.ts';
import type { ServedPart } from './open-copies.ts';
import { originOf } from './origin.ts';

/** The bytes that a reader waits for will not come from this part. */
export class PartGone extends Error {}

export interface SharedPartOptions {
  /** Called after each change of what may be read. */
  readonly onChange: () => void;
  readonly onEnd: () => void;
}

/** From one beginning of the file to the next. */
interface Run {
  state: 'following' | 'whole' | 'gone';
  /** Whether the file is packed; undefined until its first bytes have come. */
  packed: boolean | undefined;
  looking: boolean;
  sha256: string | undefined;
  readonly reads: Set<Promise<unknown>>;
  readonly wakes: Set<() => void>;
}

const newRun = (): Run => ({
  state: 'following',
  packed: undefined,
  looking: false,
  sha256: undefined,
  reads: new Set(),
  wakes: new Set(),
});

const CHUNK = 262_144;

export class SharedPart implements GrowthObserver {
  readonly #part: Part;
  readonly #options: SharedPartOptions;
  #run = newRun();
  #position = 0;

  constructor(part: Part, options: SharedPartOptions) {
    this.#part = part;
    this.#options = options;
  }

  /** Undefined while the length or the lineage is not known, or the bytes are packed or may be. */
  get served(): ServedPart | undefined {
    const run = this.#run;
    const { provenance } = this.#part;
    if (provenance === undefined || run.packed !== false || run.state === 'gone') return undefined;
    const { lineage, total } = provenance;
    if (lineage === undefined || total === 0) return undefined;
    return {
      total,
      lineage,
      ...originOf(provenance),
      position: this.#position,
      ...(run.sha256 === undefined ? {} : { sha256: run.sha256 }),
      read: (span, signal) => this.#read(run, span, signal),
    };
  }

  /** The SHA-256 of the whole file is known: a parent told it, or the file is complete and right. */
  know(sha256: string): void {
    this.#run.sha256 = sha256;
    this.#changed();
  }

  grown(position: number): void {
    this.#position = position;
    this.#lookAtHead(this.#run);
    this.#changed();
  }

  described(): void {
    this.#lookAtHead(this.#run);
    this.#changed();
  }

  /** Readers never make the writer wait: they read from the disk what has left the page cache. */
  async ready(): Promise<void> {
    return undefined;
  }

  async restarting(): Promise<void> {
    const run = this.#run;
    this.#run = newRun();
    this.#position = 0;
    await this.#end(run, 'gone');
  }

  /** The file is the published image: it stays as it is, and readers read on. */
  published(): void {
    void this.#end(this.#run, 'whole');
  }

  /** Call before the part is closed. */
  async close(): Promise<void> {
    this.#options.onEnd();
    await this.#end(this.#run, 'gone');
  }

  async #end(run: Run, state: 'whole' | 'gone'): Promise<void> {
    if (run.state === 'following') run.state = state;
    this.#changed(run);
    await Promise.allSettled(run.reads);
  }

  #changed(run = this.#run): void {
    const wakes = [...run.wakes];
    run.wakes.clear();
    for (const wake of wakes) wake();
    this.#options.onChange();
  }

  #lookAtHead(run: Run): void {
    const total = this.#part.provenance?.total ?? 0;
    const length = total > 0 ? Math.min(HEAD_LENGTH, total) : HEAD_LENGTH;
    if (run.packed !== undefined || run.looking || this.#position < length) return;
    run.looking = true;
    const looked = this.#during(run, readAt(this.#part.file, 0, length)).then((head) => {
      run.packed = compressionOf(head) !== undefined;
      this.#changed(run);
    });
    // A disk that cannot be read fails the attempt where it reads the file itself.
    looked.catch(() => undefined);
  }

  async *#read(run: Run, { first, end }: Span, signal: AbortSignal): AsyncGenerator<Buffer> {
    signal.throwIfAborted();
    if (isGone(run)) throw gone();
    const file = await this.#during(run, this.#openOwn());
    try {
      for (let position = first; position < end;) {
        const good = await this.#goodEnd(run, position, end, signal);
        const length = Math.min(CHUNK, good - position);
        if (isGone(run)) throw gone();
        const chunk = await this.#during(run, readAt(file, position, length));
        if (chunk.length === 0) throw gone();
        position += chunk.length;
        yield chunk;
      }
    } finally {
      await file.close();
    }
  }

  /** A descriptor that outlives the attempt's own one. */
  #openOwn(): Promise<FileHandle> {
    return open(`/proc/self/fd/${this.#part.file.fd}`, constants.O_RDONLY);
  }

  /** Waits for bytes beyond a position. @returns the end of those that may be read, `end` at most */
  async #goodEnd(run: Run, position: number, end: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      if (isGone(run)) throw gone();
      const good = Math.min(end, run.state === 'whole' ? end : this.#position);
      if (good > position) return good;
      await this.#change(run, signal);
    }
  }

  async #change(run: Run, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        run.wakes.delete(wake);
        resolve();
      };
      run.wakes.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  async #during<T>(run: Run, work: Promise<T>): Promise<T> {
    run.reads.add(work);
    try {
      return await work;
    } finally {
      run.reads.delete(work);
    }
  }
}

const isGone = ({ state }: Run): boolean => state === 'gone';

const gone = (): PartGone => new PartGone('the part ended before it had these bytes');
