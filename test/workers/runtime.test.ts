import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startHealth, startHealthIfAsked } from '../../workers/health.ts';
import { formatLine } from '../../workers/log.ts';
import { connectTemporal, requireWorkerListing, StartError } from '../../workers/runtime.ts';
import { readSettings } from '../../workers/settings.ts';
import { testTemporal } from '../support/temporal.ts';

describe('the connection to Temporal', () => {
  test('is made to the address and namespace of the settings', async () => {
    const temporal = await testTemporal();
    const { address, namespace } = temporal;
    const settings = readSettings({ temporalAddress: address, temporalNamespace: namespace }, {});
    const found = await connectTemporal(settings, 'host:x');
    expect(found).toMatchObject({ address, namespace });
    expect(found.client.options.identity).toBe('host:x');
    await requireWorkerListing(found);
    await found.connection.close();
    await temporal.close();
  });

  test('to nobody is refused with what to do', async () => {
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

  test('without the namespace is refused by its name', async () => {
    const temporal = await testTemporal();
    const { address } = temporal;
    const settings = readSettings({ temporalAddress: address, temporalNamespace: 'nowhere' }, {});
    await expect(connectTemporal(settings)).rejects.toThrow(
      `Temporal at ${address} has no namespace 'nowhere': create it, or set TEMPORAL_NAMESPACE`,
    );
    await temporal.close();
  });
});

describe('health', () => {
  test('lives at once, and is ready when it says so', async () => {
    let ready = false;
    const health = await startHealth(0, () => ready);
    const ask = async (path: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${health.port}${path}`)).status;
    expect([await ask('/healthz'), await ask('/readyz?x=1')]).toEqual([200, 503]);
    ready = true;
    expect([await ask('/readyz'), await ask('/')]).toEqual([200, 404]);
    await health.close();
  });

  test('is there where it was asked for', async () => {
    expect(await startHealthIfAsked(readSettings({}, {}), () => true)).toBeUndefined();
    const health = await startHealthIfAsked(readSettings({ healthPort: '0' }, {}), () => true);
    expect(health?.port).toBeGreaterThan(0);
    await health?.close();
  });
});

test('a line of the log as a person reads it', () => {
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
