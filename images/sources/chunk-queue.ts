/** Chunks on their way from a socket to a reader, with back pressure, handed over in batches. */

/** Bytes that make a batch worth a write of its own. */
const BATCH = 1_048_576;
/** With so many bytes that nobody has read, no more are taken from the socket. */
export const FULL = 1.5 * BATCH;
/** Milliseconds after which a smaller batch is handed over all the same: progress on slow links. */
const PATIENCE = 250;

export interface Flow {
  pause(): void;
  resume(): void;
  /** The reader wants no more. */
  cancel(): void;
}

export class ChunkQueue implements AsyncIterable<readonly Buffer[]> {
  readonly #flow: Flow;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #received = 0;
  #paused = false;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  /** Whether the reader, not the source, is what a transfer waits for. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Bytes that came, whether read or not. */
  get received(): number {
    return this.#received;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    this.#bytes += chunk.length;
    if (this.#bytes < BATCH) return;
    this.#wake?.();
    if (this.#paused || this.#bytes < FULL) return;
    this.#paused = true;
    this.#flow.pause();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** What came before the failure is still handed over. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Buffer[]> {
    try {
      for (;;) {
        await this.#filled();
        if (this.#chunks.length > 0) yield this.#take();
        else if (this.#failure !== undefined) throw this.#failure;
        else if (this.#ended) return;
      }
    } finally {
      this.#flow.cancel();
    }
  }

  get #ready(): boolean {
    return this.#ended || this.#failure !== undefined || this.#bytes >= BATCH;
  }

  async #filled(): Promise<void> {
    if (this.#ready) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, PATIENCE);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }

  #take(): readonly Buffer[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    if (this.#paused) {
      this.#paused = false;
      this.#flow.resume();
    }
    return chunks;
  }
}
