/**
 * `bypass demo`, which `npm run demo` runs: starts a whole installation in a temporary folder, registers and deploys one
 * image, verifies the file on the pool, boots it as a virtual machine where one can run, and stops everything.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { formatByName } from '../model/format-by-name.ts';
import { stopRequested } from '../workers/runtime.ts';
import { StartError } from '../workers/start-error.ts';
import type { Settings } from '../workers/settings.ts';
import { claimFolder } from './claim-folder.ts';
import { makeDisk } from './demo-disk.ts';
import type { Disk } from './demo-disk.ts';
import { startOrigin } from './demo-origin.ts';
import { openSession, registerAndDeploy } from './demo-job.ts';
import { bootMachine } from './demo-machine.ts';
import type { DemoImage, DemoOutcome } from './demo-job.ts';
import { checkDemoOptions } from './demo-options.ts';
import type { DemoOptions } from './demo-options.ts';
import type { Plan } from './plan.ts';
import { bringUp } from './stack.ts';
import type { Stack } from './stack.ts';
import { createLinePrinter } from './line-printer.ts';
import type { PrintLine } from './line-printer.ts';

/** @throws Error that says which step failed */
export async function run(settings: Settings, options: DemoOptions): Promise<void> {
  checkDemoOptions(options);
  const out = options.json ? process.stderr : process.stdout;
  const print = createLinePrinter(out);
  const giveUp = new AbortController();
  const stop = stopRequested();
  void stop.then((signal) => giveUp.abort(new StartError(`The demo was stopped by ${signal}`)));
  const folder = await mkdtemp(join(tmpdir(), 'bypass-demo-'));
  const context = { print, signal: giveUp.signal, out };
  const outcome = await demonstrate(planOf(settings, folder), context, options).catch((error: unknown) => {
    print(`The logs are in ${join(folder, 'logs')}; remove it all with: rm -r ${folder}`);
    throw error;
  });
  report(outcome, folder, print);
  if (options.json) process.stdout.write(`${JSON.stringify(outcome.result)}\n`);
}

/** Separate servers, free ports and a separate folder, so that the demo cannot disturb another installation. */
const planOf = (settings: Settings, dataDir: string): Plan => ({
  engine: 'development',
  dataDir,
  hosts: 1,
  apis: 1,
  controls: 1,
  apiAddress: '127.0.0.1',
  ports: { api: 0, temporal: 0, temporalUi: 0, postgres: 0 },
  databaseUrl: undefined,
  temporalAddress: undefined,
  temporalNamespace: 'default',
  masterKeyFile: undefined,
  logLevel: settings.text('logLevel'),
});

interface Context {
  readonly print: PrintLine;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

async function demonstrate(plan: Plan, context: Context, options: DemoOptions): Promise<DemoOutcome> {
  const { print, signal } = context;
  const claim = await claimFolder(plan.dataDir);
  const { folder } = claim;
  print(`Bypass starts for a demo in ${folder.root}`);
  const path = join(folder.root, 'demo.img');
  const making = options.url === undefined ? makeDisk(path) : Promise.resolve(undefined);
  making.catch(() => undefined);
  try {
    const stack = await bringUp(plan, folder, {
      print,
      signal,
      env: process.env,
      onRestart: () => undefined,
    });
    try {
      const disk = await making;
      const origin = disk === undefined ? undefined : await startOrigin(path, disk);
      try {
        const image =
          origin === undefined
            ? givenImage(options)
            : generatedImage(origin.metalinkUrl, disk as Disk, print);
        const outcome = await registerAndDeploy(stack, image, context);
        await verify(outcome, disk, signal);
        return disk === undefined ? outcome : await boot(stack, outcome, disk, context);
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        await origin?.close();
      }
    } finally {
      print('Stopping everything');
      await stack.stop();
    }
  } finally {
    await making.catch(() => undefined);
    await rm(path, { force: true });
    await claim.release();
  }
}

/** Boots the image of the demo as a machine, and verifies that the file on the pool is still the same afterwards. */
async function boot(stack: Stack, outcome: DemoOutcome, disk: Disk, context: Context): Promise<DemoOutcome> {
  const { templateId } = outcome.result;
  const about = { templateId, zoneId: outcome.zoneId };
  const line = await bootMachine(openSession(stack, context), about, context);
  if (line === undefined) return outcome;
  await verify(outcome, disk, context.signal);
  return { ...outcome, result: { ...outcome.result, console: line } };
}

function generatedImage(url: string, { bytes, sha256 }: Disk, print: PrintLine): DemoImage {
  print(`Made a disk of ${bytes} bytes (FAT32 in a partition), SHA-256 ${sha256}`);
  print(
    `It is served as ${url}, whose first mirror is dead; the demo's hosts may reach loopback, others may not`,
  );
  return { url, format: 'RAW', name: 'demo disk' };
}

function givenImage({ url = '', checksum, format }: DemoOptions): DemoImage {
  const name = URL.canParse(url) ? (new URL(url).pathname.split('/').at(-1) ?? '') : '';
  return {
    url,
    name: name || 'demo image',
    format: format?.toUpperCase() ?? formatByName(url) ?? 'QCOW2',
    ...(checksum === undefined ? {} : { checksum }),
  };
}

/** Hashes the file on the pool itself: the demo must not trust what the database recorded. */
async function verify({ result }: DemoOutcome, disk: Disk | undefined, signal: AbortSignal): Promise<void> {
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
    `${result.path} has ${bytes} bytes and SHA-256 ${sha256}; expected were ${wanted.bytes} bytes and SHA-256 ${wanted.sha256}`,
  );
}

function report({ result, hostName, poolName }: DemoOutcome, folder: string, print: PrintLine): void {
  const rows: readonly (readonly [string, string])[] = [
    ['file', result.path],
    ['bytes', String(result.bytes)],
    ['SHA-256', result.sha256],
    ['downloaded by', `${hostName}, onto ${poolName}`],
    ['registration', `workflow ${result.registrationWorkflowId}`],
    ['deployment', `workflow ${result.deploymentWorkflowId}`],
    ['template_store_ref', JSON.stringify(result.templateStoreRef)],
    ['template_spool_ref', JSON.stringify(result.templateSpoolRef)],
    ...(result.console === undefined ? [] : [['serial console', result.console] as const]),
    ['logs', join(folder, 'logs')],
  ];
  print(`Done: registered, deployed and verified in ${result.seconds} s`);
  for (const [name, value] of rows) print(`  ${name.padEnd(18)} ${value}`);
  print(`Look around in it with: npm start -- --data-dir ${folder} --port 0`);
  print(`Remove it with: rm -r ${folder}`);
}
