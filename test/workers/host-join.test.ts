import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { joinWorkflowId } from '../../model/names.ts';
import { loadOrCreateIdentity } from '../../trust/identity.ts';
import { join } from '../../workers/host-join.ts';
import { testTemporal } from '../support/temporal.ts';
import { until } from '../support/until.ts';

/** A proxy before Temporal whose answers can be held back, as those of a slow server are. */
async function startSlowGate(target: string) {
  const [host = '', port = ''] = target.split(':');
  const open = new Set<Socket>();
  const outsides: Socket[] = [];
  const server = createServer((inside) => {
    const outside = connect(Number(port), host);
    inside.pipe(outside);
    outside.pipe(inside);
    for (const socket of [inside, outside]) {
      open.add(socket);
      socket.on('error', () => undefined);
    }
    outsides.push(outside);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold() {
      for (const one of outsides) one.pause();
    },
    release() {
      for (const one of outsides) one.resume();
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a host whose request to join is answered late goes on waiting for it, and makes no second one', async () => {
  const folder = await mkdtemp(pathOf(tmpdir(), 'bypass-join-'));
  const temporal = await testTemporal();
  const gate = await startSlowGate(temporal.address);
  const connection = await NativeConnection.connect({ address: gate.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  const polls = jest.spyOn(client, 'withDeadline');
  const identity = await loadOrCreateIdentity(folder);
  const { hostId } = identity;
  const log: string[] = [];
  const stop = new AbortController();
  try {
    const joining = join({
      client,
      identity,
      logger: pino({ level: 'warn' }, { write: (line) => void log.push(line) }),
      signal: stop.signal,
      about: { name: 'kvm1', address: '192.0.2.1', zone: 'zone1', cluster: 'cluster1' },
      invite: () => Promise.resolve(undefined),
      report: () => Promise.resolve({ v: 1, hostId, version: '1', pools: [], programs: [] }),
    });
    await until('the first poll', () => polls.mock.calls.length === 1);
    const workflow = temporal.client.workflow.getHandle(joinWorkflowId(hostId));
    const { runId } = await workflow.describe();
    gate.hold();
    await until('the end of the first poll', () => polls.mock.calls.length > 1 || log.length > 0);
    gate.release();
    expect(log.join('')).toBe('');
    expect(await workflow.describe()).toMatchObject({ runId, status: { name: 'RUNNING' } });
    stop.abort(new Error('the test is over'));
    await expect(joining).rejects.toThrow('the test is over');
  } finally {
    stop.abort();
    gate.release();
    await connection.close();
    await gate.close();
    await temporal.close();
    await rm(folder, { recursive: true });
  }
});
