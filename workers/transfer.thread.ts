/** The program of the transfer thread, which runs the downloads of a host worker. It uses neither Temporal nor the database. */
import { parentPort, workerData } from 'node:worker_threads';
import { classifyError } from '../images/classify-error.ts';
import { download } from '../images/attempt/download.ts';
import type { DownloadDeps } from '../images/attempt/download.ts';
import { openLedger } from '../images/pools/ledger.ts';
import { openPool } from '../images/pools/kinds.ts';
import { createRateLimit } from '../images/fetch/rate-limit.ts';
import { createPeerCopy } from '../images/fetch/protocols/peer/peer.ts';
import { createSources } from '../images/fetch/sources.ts';
import { createTrust } from '../images/fetch/network/trust.ts';
import { createCopyRegistry } from '../images/spread/copy-registry.ts';
import { openKeystore } from '../trust/keystore.ts';
import type { Progress } from '../model/progress.ts';
import { keepDoorOpen } from './door/keep-open.ts';
import { openKnownPools } from './door/known-pools.ts';
import type { DoorCredentials } from './door/door.ts';
import { packError } from './transfer-messages.ts';
import type { FromThread, ToThread, TransferRequest, TransferSettings } from './transfer-messages.ts';

/** Only ends the download here: the main thread has the reason of the abort, and reports that one. */
const STOPPED = new Error('the download was stopped');

/** Milliseconds between two reports of progress within one phase. */
const REPORT_MS = 200;

const send = (message: FromThread): void => parentPort?.postMessage(message);

const { sources, stateDir, rate, door: doorSettings, ...settings } = workerData as TransferSettings;
const rateLimit = createRateLimit(rate);
const ledger = openLedger(stateDir);
const copies =
  doorSettings === undefined
    ? undefined
    : createCopyRegistry({ pools: openKnownPools(doorSettings.pools, stateDir), ledger });
let credentials: DoorCredentials | undefined;
const door =
  doorSettings === undefined || copies === undefined
    ? undefined
    : keepDoorOpen({
        hostId: settings.hostId,
        settings: doorSettings,
        copies,
        onCounts: (counts) => send({ type: 'door', counts }),
        onClosed: (problem) => send({ type: 'door closed', problem }),
      });
const deps = {
  ...settings,
  sources: createSources({
    ...sources,
    trust: createTrust(openKeystore(stateDir)),
    onDenied: (denied) => send({ type: 'denied', denied }),
  }),
  openParts: new Set(),
  ledger,
  rateLimit,
  ...(copies === undefined ? {} : { copies }),
} satisfies DownloadDeps;
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
        onProgress: sparingly((progress) => send({ type: 'progress', job, progress })),
        onTry: (ended) => send({ type: 'try', job, ended }),
      },
      {
        ...deps,
        sources: deps.sources.under(rules, request.secrets),
        peers: (peer) => createPeerCopy(peer, { ...sources, ...rules.timeouts, identity: () => credentials }),
      },
    );
    send({ type: 'done', job, image });
  } catch (error) {
    send({ type: 'failed', job, error: packError(classifyError(error)) });
  } finally {
    running.delete(job);
  }
}

/** Reports each change of phase at once, and progress within a phase every `REPORT_MS` milliseconds. */
function sparingly(report: (progress: Progress) => void): (progress: Progress) => void {
  let phase: string | undefined;
  let reported = 0;
  return (progress) => {
    const now = performance.now();
    if (progress.phase === phase && now - reported < REPORT_MS) return;
    phase = progress.phase;
    reported = now;
    report(progress);
  };
}

parentPort?.on('message', (message: ToThread) => {
  if (message.type === 'start') void run(message.job, message.request);
  else if (message.type === 'abort') running.get(message.job)?.abort(STOPPED);
  else if (message.type === 'credentials') {
    credentials = message.credentials;
    door?.setCredentials(credentials);
  } else rateLimit.setRate(message.bytesPerSecond);
});
