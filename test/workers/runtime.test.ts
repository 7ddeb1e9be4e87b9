import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, createSecureServer } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Client } from '@temporalio/client';
import { SearchAttributeType, TypedSearchAttributes, defineSearchAttributeKey } from '@temporalio/common';
import { temporal as proto } from '@temporalio/proto';
import { startHealth, startHealthIfAsked } from '../../workers/health.ts';
import { formatLine } from '../../workers/log.ts';
import { connectTemporal, requireWorkerListing } from '../../workers/runtime.ts';
import { StartError } from '../../workers/start-error.ts';
import { readSettings } from '../../workers/settings.ts';
import { selfSigned } from '../support/certificates.ts';
import { testTemporal } from '../support/temporal.ts';
import type { TestTemporal } from '../support/temporal.ts';

describe('the connection to Temporal', () => {
  test('is made to the address and namespace of the settings', async () => {
    const temporal = await testTemporal();
    const { address, namespace } = temporal;
    const settings = readSettings({ temporalAddress: address, temporalNamespace: namespace }, {});
    const found = await connectTemporal(settings, { identity: 'host:x' });
    expect(found).toMatchObject({ address, namespace });
    expect(found.client.options.identity).toBe('host:x');
    await requireWorkerListing(found);
    await found.connection.close();
    await temporal.close();
  });

  test('fails with what to do when no server answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.close();
    await once(server, 'close');
    const settings = readSettings({ temporalAddress: address }, {});
    await expect(connectTemporal(settings)).rejects.toThrow(StartError);
    await expect(connectTemporal(settings)).rejects.toThrow(
      `Temporal does not answer at ${address} (Connection refused): start it, or set TEMPORAL_ADDRESS`,
    );
  });

  test('fails with the name of a missing namespace', async () => {
    const temporal = await testTemporal();
    const { address } = temporal;
    const settings = readSettings({ temporalAddress: address, temporalNamespace: 'nowhere' }, {});
    await expect(connectTemporal(settings)).rejects.toThrow(
      `Temporal at ${address} has no namespace 'nowhere': create it, or set TEMPORAL_NAMESPACE`,
    );
    await temporal.close();
  });

  test('sends the API key of @temporalio/envconfig; a wrong key fails with what to check', async () => {
    const temporal = await testTemporal();
    const gate = await startKeyGate(temporal.address, 'the right key');
    const settings = readSettings(
      { temporalAddress: gate.address, temporalNamespace: temporal.namespace },
      {},
    );
    const before = { ...process.env };
    try {
      process.env['TEMPORAL_TLS_SERVER_CA_CERT_DATA'] = gate.authority;
      process.env['TEMPORAL_API_KEY'] = 'the right key';
      const found = await connectTemporal(settings);
      await requireWorkerListing(found);
      await found.connection.close();
      process.env['TEMPORAL_API_KEY'] = 'another key';
      await expect(connectTemporal(settings)).rejects.toThrow(
        `Temporal at ${gate.address} refuses access: check TEMPORAL_API_KEY or TEMPORAL_TLS_…`,
      );
      expect(gate.refused()).toBeGreaterThan(0);
    } finally {
      process.env = before;
      await gate.close();
      await temporal.close();
    }
  });

  test.each([
    ['start', { signal: undefined }],
    ['signalWithStart', { signal: 'wanted' }],
  ])('waits with a %s until the server knows a search attribute that is new', async (_how, { signal }) => {
    const temporal = await testTemporal();
    const { address, namespace } = temporal;
    const found = await connectTemporal(
      readSettings({ temporalAddress: address, temporalNamespace: namespace }, {}),
    );
    try {
      const key = defineSearchAttributeKey('Newest', SearchAttributeType.KEYWORD);
      const start = ({ workflow }: Client) => {
        const options = {
          taskQueue: 'nobody',
          workflowId: randomUUID(),
          typedSearchAttributes: new TypedSearchAttributes([{ key, value: 'yes' }]),
        };
        return signal === undefined
          ? workflow.start('any', options)
          : workflow.signalWithStart('any', { ...options, signal });
      };
      const starting = start(found.client);
      await expect(start(temporal.client)).rejects.toMatchObject({
        cause: { message: expect.stringContaining('search attribute Newest') as string },
      });
      await addKeyword(temporal, 'Newest');
      const handle = await starting;
      expect((await handle.describe()).searchAttributes).toEqual({ Newest: ['yes'] });
      await handle.terminate();
    } finally {
      await found.connection.close();
      await temporal.close();
    }
  });
});

const addKeyword = ({ connection, namespace }: TestTemporal, name: string) =>
  connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: { [name]: proto.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD },
  });

const UNAUTHENTICATED = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' };

/** A proxy before a Temporal server, like that of a cloud: it serves TLS and passes only calls with the API key. */
async function startKeyGate(temporal: string, apiKey: string) {
  const authority = selfSigned({ names: ['An authority'] });
  const own = selfSigned({ issuer: authority });
  const behind = connect(`http://${temporal}`);
  let refused = 0;
  const forward = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    const call = behind.request(headers);
    stream.pipe(call);
    call.on('response', (answer) => {
      stream.respond(answer, { waitForTrailers: true });
      call.pipe(stream);
    });
    call.on('trailers', (trailers) => stream.on('wantTrailers', () => stream.sendTrailers(trailers)));
  };
  const server = createSecureServer({ cert: own.cert, key: own.key });
  server.on('stream', (stream, headers) => {
    if (headers.authorization === `Bearer ${apiKey}`) return forward(stream, headers);
    refused += 1;
    stream.respond(UNAUTHENTICATED, { endStream: true });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `localhost:${(server.address() as AddressInfo).port}`,
    authority: authority.cert,
    refused: () => refused,
    async close() {
      behind.close();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the health server', () => {
  test('answers /healthz at once, and /readyz when the process is ready', async () => {
    let ready = false;
    const health = await startHealth(0, () => ready);
    const ask = async (path: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${health.port}${path}`)).status;
    expect([await ask('/healthz'), await ask('/readyz?x=1')]).toEqual([200, 503]);
    ready = true;
    expect([await ask('/readyz'), await ask('/')]).toEqual([200, 404]);
    await health.close();
  });

  test('runs only when its port is set', async () => {
    expect(await startHealthIfAsked(readSettings({}, {}), () => true)).toBeUndefined();
    const health = await startHealthIfAsked(readSettings({ healthPort: '0' }, {}), () => true);
    expect(health?.port).toBeGreaterThan(0);
    await health?.close();
  });
});

test('a line of the log is formatted for a person at a terminal', () => {
  const line = JSON.stringify({
    level: 40,
    time: Date.UTC(2026, 0, 2, 3, 4, 5),
    process: 'host',
    pid: 1,
    msg: 'a pool is gone',
    pool: 'fast',
    err: { message: 'no marker' },
  });
  expect(formatLine(line)).toBe('03:04:05 WARN  host: a pool is gone pool=fast error=no marker');
});

test('text from outside adds no lines and no colours to the log', () => {
  const username = 'x\n12:00:00 info  api: a login username=admin\u009b31m\u202e';
  const line = JSON.stringify({ level: 40, time: 0, process: 'api', username, msg: 'a login\nfailed' });
  expect(formatLine(line)).toBe(
    '00:00:00 WARN  api: a login\\nfailed username=x\\n12:00:00 info  api: a login username=admin\\u009b31m\\u202e',
  );
});
