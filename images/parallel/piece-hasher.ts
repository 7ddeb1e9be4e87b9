/** Hashes of pieces of a file that is being written elsewhere, made by a thread of its own. */
import type { FileHandle } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { digestName } from '../../model/checksum.ts';
import type { ChecksumAlgorithm } from '../../model/checksum.ts';
import { ImageError } from '../../model/failures.ts';
import { becameShorter, diskError } from '../files.ts';
import { PIECE_THREAD } from './piece-thread.ts';
import type { PieceNews, PieceTask } from './piece-thread.ts';
import type { Span } from './spans.ts';

interface Waiting {
  readonly resolve: (hex: string) => void;
  readonly reject: (error: Error) => void;
}

export class PieceHasher {
  readonly #thread: Worker;
  readonly #waiting: Waiting[] = [];
  #failure: Error | undefined;

  /** @param file is kept open until `close` has ended */
  constructor(file: FileHandle, algorithm: ChecksumAlgorithm) {
    const task: PieceTask = { fd: file.fd, name: digestName(algorithm) };
    this.#thread = new Worker(PIECE_THREAD, {
      eval: true,
      name: 'pieces',
      workerData: task,
      env: {},
      execArgv: [],
    });
    this.#thread.unref();
    this.#thread.on('message', (news: PieceNews) => this.#answer(news));
    this.#thread.on('error', (error) => this.#fail(ended(error)));
    this.#thread.on('exit', () => this.#fail(ended()));
  }

  /** @throws ImageError when it cannot be read */
  hash({ first, end }: Span): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting.push({ resolve, reject });
      this.#thread.postMessage({ first, end });
    });
  }

  /** Ends the thread: nobody reads the file any more. */
  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #answer(news: PieceNews): void {
    const asked = this.#waiting.shift();
    if ('hex' in news) asked?.resolve(news.hex);
    else if ('shorter' in news) asked?.reject(becameShorter());
    else asked?.reject(unreadable(news));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

const ended = (error?: Error): ImageError =>
  new ImageError('HostFault', 'the thread that computes checksums of pieces ended', { cause: error });

function unreadable({
  code,
  message,
}: {
  readonly code: string | undefined;
  readonly message: string;
}): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code });
  const known = diskError(error);
  if (known instanceof ImageError) return known;
  return new ImageError('DiskBroken', 'a file of the pool cannot be read', { cause: error });
}
