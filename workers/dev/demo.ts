/** `bypass demo`, which `npm run demo` runs: everything for a moment, and one image brought onto a pool. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StartError, stopRequested } from '../runtime.ts';
import type { Settings } from '../settings.ts';
import { claimFolder } from './claim.ts';
import { makeDisk } from './demo-disk.ts';
import type { Disk } from './demo-disk.ts';
import { startOrigin } from './demo-origin.ts';
import { bringOntoPool } from './demo-job.ts';
import type { Done, Source } from './demo-job.ts';
import { checkDemoOptions } from './demo-options.ts';
import type { DemoOptions } from './demo-options.ts';
import type { Plan } from './plan.ts';
import { bringUp } from './stack.ts';
import { createTeller } from './teller.ts';
import type { Tell } from './teller.ts';

/** @throws Error with the sentence that says which step failed */
export async function run(settings: Settings, options: DemoOptions): Promise<void> {
  checkDemoOptions(options);
  const out = options.json ? process.stderr : process.stdout;
  const tell = createTeller(out);
  const giveUp = new AbortController();
  const stop = stopRequested();
  void stop.then((signal) => giveUp.abort(new StartError(`The demo was stopped by ${signal}`)));
  const folder = await mkdtemp(join(tmpdir(), 'bypass-demo-'));
  const context = { tell, signal: giveUp.signal, out };
  const done = await demonstrate(planOf(settings, folder), context, options).catch((error: unknown) => {
    tell(`The logs are in ${join(folder, 'logs')}; remove it all with: rm -r ${folder}`);
    throw error;
  });
  report(done, folder, tell);
  if (options.json) process.stdout.write(`${JSON.stringify(done.result)}\n`);
}

/** Nothing of this machine's other installations is touched: own servers, free ports, a folder of its own. */
const planOf = (settings: Settings, dataDir: string): Plan => ({
  dataDir,
  hosts: 1,
  apiAddress: '127.0.0.1',
  ports: { api: 0, temporal: 0, temporalUi: 0, postgres: 0 },
  databaseUrl: undefined,
  temporalAddress: undefined,
  temporalNamespace: 'default',
  masterKeyFile: undefined,
  logLevel: settings.text('logLevel'),
});

interface Context {
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

async function demonstrate(plan: Plan, context: Context, options: DemoOptions): Promise<Done> {
  const { tell, signal } = context;
  const claim = await claimFolder(plan.dataDir);
  const { folder } = claim;
  tell(`Bypass starts for a demo in ${folder.root}`);
  const image = join(folder.root, 'demo.img');
  const making = options.url === undefined ? makeDisk(image) : Promise.resolve(undefined);
  making.catch(() => undefined);
  try {
    const stack = await bringUp(plan, folder, { tell, signal, env: process.env, onRestart: () => undefined });
    try {
      const disk = await making;
      const origin = disk === undefined ? undefined : await startOrigin(image, disk);
      try {
        const source = origin === undefined ? given(options) : made(origin.metalinkUrl, disk as Disk, tell);
        const done = await bringOntoPool(stack, source, context);
        await verify(done, disk, signal);
        return done;
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        await origin?.close();
      }
    } finally {
      tell('Stopping everything');
      await stack.stop();
    }
  } finally {
    await making.catch(() => undefined);
    await rm(image, { force: true });
    await claim.release();
  }
}

function made(url: string, { bytes, sha256 }: Disk, tell: Tell): Source {
  tell(`Made a disk of ${bytes} bytes (FAT32 in a partition), SHA-256 ${sha256}`);
  tell(
    `It is served as ${url}, whose first mirror is dead; the demo's hosts may reach loopback, others may not`,
  );
  return { url, format: 'RAW', name: 'demo disk' };
}

function given({ url = '', checksum, format }: DemoOptions): Source {
  const name = URL.canParse(url) ? (new URL(url).pathname.split('/').at(-1) ?? '') : '';
  return {
    url,
    name: name || 'demo image',
    format: format?.toUpperCase() ?? guessFormat(url),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

/** By the name; a wrong guess is refused at registration, with the format that the file has. */
function guessFormat(url: string): string {
  const path = url.replace(/[?#].*$/, '').replace(/\.(meta4|metalink)$/i, '');
  if (/\.iso$/i.test(path)) return 'ISO';
  return /\.(raw|dd)$/i.test(path) ? 'RAW' : 'QCOW2';
}

/** What was recorded is one thing; what lies there, another. */
async function verify({ result }: Done, disk: Disk | undefined, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(
    createReadStream(result.path, { highWaterMark: 1_048_576 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        hash.update(chunk);
      }
    },
    { signal },
  );
  const sha256 = hash.digest('hex');
  const wanted = disk ?? result;
  if (sha256 === wanted.sha256 && sha256 === result.sha256 && bytes === wanted.bytes) return;
  throw new StartError(
    `${result.path} has ${bytes} bytes and SHA-256 ${sha256}; ${wanted.bytes} and ${wanted.sha256} were to come`,
  );
}

function report({ result, hostName, poolName }: Done, folder: string, tell: Tell): void {
  const rows: readonly (readonly [string, string])[] = [
    ['file', result.path],
    ['bytes', String(result.bytes)],
    ['SHA-256', result.sha256],
    ['downloaded by', `${hostName}, onto ${poolName}`],
    ['registration', `workflow ${result.registrationWorkflowId}`],
    ['deployment', `workflow ${result.deploymentWorkflowId}`],
    ['template_store_ref', JSON.stringify(result.templateStoreRef)],
    ['template_spool_ref', JSON.stringify(result.templateSpoolRef)],
    ['logs', join(folder, 'logs')],
  ];
  tell(`Done: registered, deployed and verified in ${result.seconds} s`);
  for (const [name, value] of rows) tell(`  ${name.padEnd(18)} ${value}`);
  tell(`Look around in it with: npm start -- --data-dir ${folder} --port 0`);
  tell(`Remove it with: rm -r ${folder}`);
}
