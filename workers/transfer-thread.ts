/** The thread in which a host worker's downloads run. It knows neither Temporal nor the database. */
import { parentPort, workerData } from 'node:worker_threads';
import { asImageError } from '../images/as-image-error.ts';
import { download } from '../images/download.ts';
import type { DownloadDeps } from '../images/download.ts';
import { openPool } from '../images/pool.ts';
import { createRateLimit } from '../images/rate-limit.ts';
import { createSources } from '../images/sources/index.ts';
import { createTrust } from '../images/sources/trust.ts';
import { openKeystore } from '../trust/keystore.ts';
import type { Progress } from '../model/progress.ts';
import { packError } from './transfer-messages.ts';
import type { FromThread, ToThread, TransferRequest, TransferSettings } from './transfer-messages.ts';

/** What counts where a download is aborted is the reason that the main thread has. */
const STOPPED = new Error('the download was stopped');

/** Milliseconds between two reports of progress within one phase. */
const TELL_MS = 200;

const tell = (message: FromThread): void => parentPort?.postMessage(message);

const { sources, keystoreDir, rate, ...settings } = workerData as TransferSettings;
const rateLimit = createRateLimit(rate);
const deps: DownloadDeps = {
  ...settings,
  sources: createSources({
    ...sources,
    ...(keystoreDir === undefined ? {} : { trust: createTrust(openKeystore(keystoreDir)) }),
    onDenied: (denied) => tell({ type: 'denied', denied }),
  }),
  openParts: new Set(),
  rateLimit,
};
const running = new Map<number, AbortController>();

async function run(job: number, { pool, rules, ...request }: TransferRequest): Promise<void> {
  const stop = new AbortController();
  running.set(job, stop);
  try {
    const image = await download(
      {
        ...request,
        pool: await openPool(pool.config, pool.id),
        signal: stop.signal,
        onProgress: sparingly((progress) => tell({ type: 'progress', job, progress })),
        onTry: (ended) => tell({ type: 'try', job, ended }),
      },
      { ...deps, sources: deps.sources.under(rules, request.secrets) },
    );
    tell({ type: 'done', job, image });
  } catch (error) {
    tell({ type: 'failed', job, error: packError(asImageError(error)) });
  } finally {
    running.delete(job);
  }
}

/** Every phase, but not every batch of bytes. */
function sparingly(report: (progress: Progress) => void): (progress: Progress) => void {
  let phase: string | undefined;
  let told = 0;
  return (progress) => {
    const now = performance.now();
    if (progress.phase === phase && now - told < TELL_MS) return;
    phase = progress.phase;
    told = now;
    report(progress);
  };
}

parentPort?.on('message', (message: ToThread) => {
  if (message.type === 'start') void run(message.job, message.request);
  else if (message.type === 'abort') running.get(message.job)?.abort(STOPPED);
  else rateLimit.setRate(message.bytesPerSecond);
});
