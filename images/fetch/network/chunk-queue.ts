/** A queue of chunks between a socket and a reader: batches for the reader, back pressure for the socket. */

/** Bytes of a batch. */
const BATCH = 1_048_576;
/** Bytes in the queue at which the socket is paused. */
export const FULL = 1.5 * BATCH;
/** Milliseconds after which a smaller batch is handed over, so that slow links show progress. */
const PATIENCE = 250;

export interface Flow {
  pause(): void;
  resume(): void;
  /** The reader has left. */
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

  /** Whether the transfer waits for the reader, not for the source. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Bytes received, whether read or not. */
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

  /** The reader still gets the chunks that came before the failure. */
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
