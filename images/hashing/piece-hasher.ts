/** Hashes pieces of a file while the file is being written, in a thread of its own. */
import type { FileHandle } from 'node:fs/promises';
import type { Worker } from 'node:worker_threads';
import { digestName } from '../../model/checksum.ts';
import type { ChecksumAlgorithm } from '../../model/checksum.ts';
import { startThread } from '../../platform/threads.ts';
import { becameShorter } from '../disk-errors.ts';
import type { PieceNews, PieceTask } from './piece.thread.ts';
import { threadEnded, unreadable } from './thread-failures.ts';
import type { Span } from '../spans.ts';

interface Waiting {
  readonly resolve: (hex: string) => void;
  readonly reject: (error: Error) => void;
}

export class PieceHasher {
  readonly #thread: Worker;
  readonly #waiting: Waiting[] = [];
  #failure: Error | undefined;

  /** @param file the owner keeps it open until `close` has ended */
  constructor(file: FileHandle, algorithm: ChecksumAlgorithm) {
    const task: PieceTask = { fd: file.fd, name: digestName(algorithm) };
    this.#thread = startThread(new URL('./piece.thread.ts', import.meta.url), {
      name: 'pieces',
      workerData: task,
      env: {},
      execArgv: [],
    });
    this.#thread.unref();
    this.#thread.on('message', (news: PieceNews) => this.#answer(news));
    this.#thread.on('error', (error) => this.#fail(threadEnded('computes checksums of pieces', error)));
    this.#thread.on('exit', () => this.#fail(threadEnded('computes checksums of pieces')));
  }

  /** @returns the hash of a piece, in hex @throws ImageError when the file cannot be read */
  hash({ first, end }: Span): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting.push({ resolve, reject });
      this.#thread.postMessage({ first, end });
    });
  }

  /** Ends the thread; afterwards the hasher does not use the file any more. */
  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #answer(news: PieceNews): void {
    const waiting = this.#waiting.shift();
    if ('hex' in news) waiting?.resolve(news.hex);
    else if ('shorter' in news) waiting?.reject(becameShorter());
    else waiting?.reject(unreadable(news));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
