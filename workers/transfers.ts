/**
 * The downloads of a host worker, all in one thread of their own: whatever they do, heartbeats and probes have the
 * main thread for themselves. A thread and no process, so that nothing writes on a pool once the host worker is dead.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { ResourceLimits } from 'node:worker_threads';
import type { DownloadedImage, DownloadRequest } from '../images/download-request.ts';
import type { Denied } from '../images/sources/guard.ts';
import { ImageError } from '../model/failures.ts';
import type { SourceRules } from '../model/source-rules.ts';
import { PROJECT_ROOT } from './dev/project.ts';
import type { Logger } from './runtime.ts';
import { packRequest, unpackError } from './transfer-messages.ts';
import type { FromThread, ToThread, TransferSettings } from './transfer-messages.ts';

/** Compiled: a thread has no transpiler. */
const THREAD = join(PROJECT_ROOT, 'dist', 'workers', 'transfer-thread.js');

/** Of V8's heap; the bytes of images lie outside of it. A hundred downloads take a tenth. */
const RESOURCE_LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 };

/**
 * Undici's parser is WebAssembly. V8's optimizing compiler needs 33 MB and 0.15 s of CPU for it; what the simple one
 * makes of it is as fast on bodies. A V8 without the flag complains about it, no more.
 */
const SIMPLE_WASM = '--liftoff-only';

/** Downloads have ten seconds to record what arrived when the host worker stops. */
const STOP_LOOK_MS = 20;
const STOP_LOOKS = 500;

/** Each download says something every second; a thread that is silent for so long hangs, and is ended. */
const SILENT_MS = 60_000;
/** Counted in looks, not by the clock: a process that was stopped for an hour is not late. */
const LOOKS = 10;

export interface Transfers {
  /**
   * @param rules of the job
   * @throws ImageError; the signal's reason when aborted, once the file is left alone
   */
  download(request: DownloadRequest, rules?: SourceRules): Promise<DownloadedImage>;
  /** Bytes per second over all downloads from now on; 0 for no limit. */
  setRate(bytesPerSecond: number): void;
  /** Aborts what runs, and ends the thread once that is done. */
  close(): Promise<void>;
}

export interface TransfersOptions {
  readonly settings: TransferSettings;
  readonly logger: Logger;
  /** Told of each URL that the policy refused. */
  readonly onDenied?: (denied: Denied) => void;
  readonly resourceLimits?: ResourceLimits;
  /** Milliseconds without a word of a thread that has downloads to do, after which it is ended. Default 60 000. */
  readonly silentMs?: number;
  /** The program of the thread. */
  readonly program?: string | URL;
}

/** The thread is started by the first download, and anew by the next one after it died. */
export function createTransfers(options: TransfersOptions): Transfers {
  let { rate } = options.settings;
  let thread: Thread | undefined;
  /** Settles when nothing is left of the one before. */
  let previous: Promise<unknown> = Promise.resolve();
  let closed = false;

  const living = async (): Promise<Thread> => {
    // It may still have a write under way, into a file that the next one would take over.
    await previous;
    if (closed) throw stopped();
    thread ??= startThread({ ...options, settings: { ...options.settings, rate } }, (ended) => {
      thread = undefined;
      previous = ended;
    });
    return thread;
  };

  return {
    async download(request, rules = {}) {
      try {
        request.signal.throwIfAborted();
        return await (await living()).run(request, rules);
      } catch (error) {
        request.signal.throwIfAborted();
        throw error;
      }
    },
    setRate(bytesPerSecond) {
      rate = bytesPerSecond;
      thread?.send({ type: 'rate', bytesPerSecond });
    },
    async close() {
      closed = true;
      await thread?.stop();
      await previous;
    },
  };
}

interface Job {
  readonly request: DownloadRequest;
  done(image: DownloadedImage): void;
  failed(error: Error): void;
}

interface Thread {
  run(request: DownloadRequest, rules: SourceRules): Promise<DownloadedImage>;
  send(message: ToThread): void;
  stop(): Promise<void>;
}

/** @param onEnd called once, when it takes no more downloads; the promise settles when nothing is left of it */
function startThread(options: TransfersOptions, onEnd: (ended: Promise<void>) => void): Thread {
  const { settings, logger, resourceLimits = RESOURCE_LIMITS, silentMs = SILENT_MS } = options;
  setFlagsFromString(SIMPLE_WASM);
  const worker = new Worker(options.program ?? THREAD, {
    workerData: settings,
    resourceLimits,
    name: 'transfers',
  });
  const jobs = new Map<number, Job>();
  let count = 0;
  let cause: Error | undefined;
  let stopping = false;

  const send = (message: ToThread): void => worker.postMessage(message);
  const take = (job: number): Job | undefined => {
    const found = jobs.get(job);
    jobs.delete(job);
    return found;
  };
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      watch.end();
      if (cause === undefined) onEnd(ended);
      for (const job of jobs.keys()) take(job)?.failed(brokenOff(cause));
      resolve();
    });
  });
  const die = (error: Error): void => {
    if (cause !== undefined) return;
    cause = error;
    logger.error({ err: error }, 'the thread of downloads died; the next download starts it anew');
    onEnd(ended);
  };
  const watch = watchSilence(silentMs, {
    awaited: () => jobs.size > 0,
    onSilent() {
      die(new Error(`it hung for ${silentMs / 1000} s`));
      void worker.terminate();
    },
  });

  worker.on('error', die);
  worker.on('message', (message: FromThread) => {
    watch.heard();
    if (message.type === 'progress') jobs.get(message.job)?.request.onProgress(message.progress);
    else if (message.type === 'try') jobs.get(message.job)?.request.onTry?.(message.ended);
    else if (message.type === 'denied') options.onDenied?.(message.denied);
    else if (message.type === 'done') take(message.job)?.done(message.image);
    else take(message.job)?.failed(stopping ? stopped() : unpackError(message.error));
  });

  return {
    run(request, rules) {
      request.signal.throwIfAborted();
      const job = (count += 1);
      const onAbort = (): void => send({ type: 'abort', job });
      return new Promise<DownloadedImage>((done, failed) => {
        send({ type: 'start', job, request: packRequest(request, rules) });
        jobs.set(job, { request, done, failed });
        request.signal.addEventListener('abort', onAbort, { once: true });
      }).finally(() => request.signal.removeEventListener('abort', onAbort));
    },
    send,
    async stop() {
      stopping = true;
      for (const job of jobs.keys()) send({ type: 'abort', job });
      for (let looks = 0; jobs.size > 0 && looks < STOP_LOOKS; looks += 1) await sleep(STOP_LOOK_MS);
      await worker.terminate();
    },
  };
}

interface Watch {
  heard(): void;
  end(): void;
}

function watchSilence(
  ms: number,
  { awaited, onSilent }: { readonly awaited: () => boolean; readonly onSilent: () => void },
): Watch {
  let looks = 0;
  const timer = setInterval(() => {
    looks = awaited() ? looks + 1 : 0;
    if (looks === LOOKS) onSilent();
  }, ms / LOOKS);
  return {
    heard() {
      looks = 0;
    },
    end: () => clearInterval(timer),
  };
}

const stopped = (): ImageError =>
  new ImageError('HostGone', 'the host worker was stopped during the download');

const brokenOff = (cause: Error | undefined): ImageError =>
  new ImageError(
    'HostGone',
    `the thread of downloads on the host ended in the middle (${cause?.message ?? 'it was stopped'})`,
    { cause },
  );
