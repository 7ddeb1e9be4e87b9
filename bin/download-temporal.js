// Lets the SDK download Temporal's CLI into a folder, as its testing tools do: the SDK chooses the version and starts it
// once. This is a process of its own, so that the caller can end it after a time-out.
import { createRequire } from 'node:module';
import { DefaultLogger, Runtime } from '@temporalio/worker';

const [folder] = process.argv.slice(2);
const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json');

Runtime.install({ logger: new DefaultLogger('ERROR', () => {}), shutdownSignals: [] });
const runtime = Runtime.instance();
try {
  const server = await runtime.createEphemeralServer({
    type: 'dev-server',
    exe: {
      type: 'cached-download',
      downloadDir: folder,
      version: 'default',
      ttl: 365 * 24 * 3_600_000,
      sdkName: 'sdk-typescript',
      sdkVersion: version,
    },
    namespace: 'default',
    ip: '127.0.0.1',
    port: null,
    uiPort: null,
    dbFilename: null,
    ui: false,
    log: { format: 'pretty', level: 'error' },
    extraArgs: [],
  });
  await runtime.shutdownEphemeralServer(server);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
