/**
 * Runs all downloads of a host worker in one transfer thread, so that heartbeats and probes never wait for hashing or
 * unpacking in the main thread. It is a thread and not a process: when the host worker dies, nothing can go on writing to a
 * pool.
 *
 * The thread is absent until the first download starts it, or the credentials of the door, which is in it. While it runs, jobs are sent to it by number, and each ends with
 * one message `done` or `failed`. It ends in three ways: `close` aborts all jobs, waits up to ten seconds for their records and
 * terminates the thread; an error or lack of memory ends it; or it sends nothing for a minute while it has jobs, and is
 * terminated. All jobs left fail as HostGone, and the next download starts another thread; where there is a door, one starts at once.
 *
 * What must never happen: that two threads write to the same part file, and that a job never settles. So a new thread
 * starts only when the exit of the previous one is complete, and that exit fails every job left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { ResourceLimits } from 'node:worker_threads';
import type { DownloadedImage, DownloadRequest } from '../images/attempt/download-request.ts';
import type { Denied } from '../images/fetch/network/egress-policy.ts';
import { ImageError } from '../model/failures.ts';
import type { SourceRules } from '../model/source-rules.ts';
import { startThread } from '../platform/threads.ts';
import type { Logger } from './runtime.ts';
import { createDoorLog } from './door/log.ts';
import type { DoorLog } from './door/log.ts';
import type { DoorCounts } from './door/counts.ts';
import type { DoorCredentials } from './door/door.ts';
import { packRequest, unpackError } from './transfer-messages.ts';
import type { FromThread, ToThread, TransferSettings } from './transfer-messages.ts';

const THREAD = new URL('./transfer.thread.ts', import.meta.url);

/** Limits of V8's heap, of which a hundred downloads use a tenth. Buffers of image bytes are outside of the heap. */
const RESOURCE_LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 8 };

/**
 * Undici's parser is WebAssembly. V8's optimizing compiler needs 33 MB and 0.15 s of CPU for it; code of the baseline
 * compiler parses bodies as fast. A V8 without the flag prints a warning.
 */
const SIMPLE_WASM = '--liftoff-only';

/** At a stop, downloads have ten seconds to record the bytes that arrived. */
const STOP_CHECK_MS = 20;
const MAX_STOP_CHECKS = 500;

/** Each download sends a message every second, so a thread that is silent for this long hangs, and is terminated. */
const SILENT_MS = 60_000;
/** Silence is counted in checks, not by the clock: a process that was suspended for an hour is not late. */
const SILENCE_CHECKS = 10;

/** Before a thread that died is started again for the door: one that dies at its start must not take all of a processor. */
const DOOR_RETRY_MS = 1000;

export interface Transfers {
  /**
   * @param rules rules of the job; default: none
   * @throws ImageError; the signal's reason when aborted, after the thread has closed the file
   */
  download(request: DownloadRequest, rules?: SourceRules): Promise<DownloadedImage>;
  /** Sets the limit of all downloads together, in bytes per second; 0 for no limit. */
  setRate(bytesPerSecond: number): void;
  /** Opens the door, or tells it whom to let in from now on. */
  setPeers(credentials: DoorCredentials): void;
  /** Why the door cannot be opened; undefined when it is open, or not to be open yet. */
  doorProblem(): string | undefined;
  /** What the door has done, in all threads; undefined while it was not open. */
  doorCounts(): DoorCounts | undefined;
  /** Aborts running downloads, waits for their records and ends the thread. */
  close(): Promise<void>;
}

export interface TransfersOptions {
  readonly settings: TransferSettings;
  readonly logger: Logger;
  /** Called for each URL that the policy refused. */
  readonly onDenied?: (denied: Denied) => void;
  readonly resourceLimits?: ResourceLimits;
  /** Milliseconds without a message after which a thread with downloads is terminated. Default 60 000. */
  readonly silentMs?: number;
  /** The program of the thread. Default: transfer.thread.ts. */
  readonly program?: URL;
}

/** The first download starts the thread; after the thread has died, the next download starts another one. */
export function createTransfers(options: TransfersOptions): Transfers {
  let { rate } = options.settings;
  let credentials: DoorCredentials | undefined;
  const door = createDoorLog(options.logger);
  let thread: Thread | undefined;
  /** Settles when the previous thread has ended. */
  let previous: Promise<unknown> = Promise.resolve();
  let closed = false;

  const livingThread = async (): Promise<Thread> => {
    // The previous thread may still write to a part file that the next one would continue.
    await previous;
    if (closed) throw stopped();
    if (thread !== undefined) return thread;
    thread = startTransferThread({ ...options, settings: { ...options.settings, rate } }, door, (ended) => {
      thread = undefined;
      previous = ended;
      if (credentials !== undefined) setTimeout(openAgain, DOOR_RETRY_MS).unref();
    });
    if (credentials !== undefined) thread.send({ type: 'credentials', credentials });
    return thread;
  };
  const openAgain = (): void => void livingThread().catch(() => undefined);

  return {
    async download(request, rules = {}) {
      try {
        request.signal.throwIfAborted();
        return await (await livingThread()).run(request, rules);
      } catch (error) {
        request.signal.throwIfAborted();
        throw error;
      }
    },
    setRate(bytesPerSecond) {
      rate = bytesPerSecond;
      thread?.send({ type: 'rate', bytesPerSecond });
    },
    setPeers(next) {
      credentials = next;
      if (thread === undefined) openAgain();
      else thread.send({ type: 'credentials', credentials });
    },
    doorProblem: () => door.problem(),
    doorCounts: () => door.counts(),
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

/** @param onEnd called once, when the thread takes no more downloads; its promise settles when the thread has ended */
function startTransferThread(
  options: TransfersOptions,
  door: DoorLog,
  onEnd: (ended: Promise<void>) => void,
): Thread {
  const { settings, logger, resourceLimits = RESOURCE_LIMITS, silentMs = SILENT_MS } = options;
  setFlagsFromString(SIMPLE_WASM);
  const worker = startThread(options.program ?? THREAD, {
    workerData: settings,
    resourceLimits,
    name: 'transfers',
  });
  const jobs = new Map<number, Job>();
  door.startThread();
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
    else if (message.type === 'door') door.note(message.counts);
    else if (message.type === 'door closed') door.closed(message.problem);
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
      for (let checks = 0; jobs.size > 0 && checks < MAX_STOP_CHECKS; checks += 1) await sleep(STOP_CHECK_MS);
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
  let checks = 0;
  const timer = setInterval(() => {
    checks = awaited() ? checks + 1 : 0;
    if (checks === SILENCE_CHECKS) onSilent();
  }, ms / SILENCE_CHECKS);
  return {
    heard() {
      checks = 0;
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
