/**
 * Real host workers and the api beside the workflows of a control lab, so that calls of the api end on disks of
 * hosts.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { buildServer } from '../../api/server/server.ts';
import { createClient } from '../../cli/client.ts';
import type { ApiClient } from '../../cli/client.ts';
import { createAccount } from '../../db/accounts/accounts.ts';
import { recordInvite } from '../../db/hosts/invites.ts';
import { createInvite } from '../../trust/invite.ts';
import { loadOrCreateIdentity } from '../../trust/identity.ts';
import { runHost } from '../../workers/host.ts';
import { readSettings } from '../../workers/settings.ts';
import { apiDependencies } from './api-dependencies.ts';
import { ensureBuilt } from './ensure-built.ts';
import type { ControlLab } from '../labs/control.ts';
import { LOOPBACK_SETTING } from './loopback.ts';
import { until } from './until.ts';

export interface RunningHost {
  readonly id: string;
  readonly name: string;
  /** State folder of the host. */
  readonly state: string;
  log(): string;
  stop(): Promise<void>;
}

export interface RealHosts {
  /** Calls the API as an administrator. */
  readonly api: ApiClient;
  /** Running hosts. */
  readonly running: readonly RunningHost[];
  /** Starts a host, or restarts a stopped one by its name, and waits until it has joined. */
  start(name: string): Promise<RunningHost>;
  /** Stops the host, and waits until it is Down. */
  stop(host: RunningHost): Promise<void>;
  /** Makes the host count as Up for the next hour. */
  seen(host: RunningHost): Promise<void>;
  close(): Promise<void>;
}

export async function openRealHosts(lab: ControlLab): Promise<RealHosts> {
  // Downloads run in a compiled thread.
  await ensureBuilt();
  const folder = await mkdtemp(join(tmpdir(), 'bypass-hosts-'));
  const { server, api } = await startApi(lab);
  const running: RunningHost[] = [];
  const setUp = async ({ id }: RunningHost, up: boolean): Promise<void> => {
    const seen = new Date(Date.now() + (up ? 1 : -1) * 3_600_000);
    await lab.db.updateTable('host').set({ last_seen: seen }).where('uuid', '=', id).execute();
  };
  return {
    api,
    running,
    async start(name) {
      const host = await startHost(lab, folder, name);
      running.push(host);
      await until(`${name} joins`, () => host.log().includes('joined: '));
      await setUp(host, true);
      return host;
    },
    async stop(host) {
      running.splice(running.indexOf(host), 1);
      await host.stop();
      await setUp(host, false);
    },
    seen: (host) => setUp(host, true),
    async close() {
      await Promise.all(running.splice(0).map((host) => host.stop()));
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function startApi(lab: ControlLab) {
  const { db, masterKey, orchestration } = lab;
  const server = buildServer(apiDependencies({ db, masterKey, orchestration }));
  await server.listen({ port: 0, host: '127.0.0.1' });
  const operator = { username: 'operator', password: 'a password' };
  const user = await createAccount(lab.db, lab.masterKey, operator, 'admin');
  const { port } = server.server.address() as AddressInfo;
  const api = createClient({ url: `http://127.0.0.1:${port}/client/api`, ...user, origin: 'the test' });
  return { server, api };
}

async function startHost(lab: ControlLab, folder: string, name: string): Promise<RunningHost> {
  const state = join(folder, name);
  await mkdir(join(state, 'pool'), { recursive: true });
  const invite = createInvite();
  await recordInvite(lab.db, { id: invite.id, secretHash: invite.secretHash, expiresHours: 1 });
  const stop = new AbortController();
  const lines: string[] = [];
  const settings = readSettings(
    {
      temporalAddress: lab.temporal.address,
      temporalNamespace: lab.temporal.namespace,
      stateDir: state,
      pools: `${name}=Filesystem:HOST:${join(state, 'pool')}`,
      hostName: name,
      zone: 'zone-1',
      cluster: 'cluster-1',
      invite: invite.token,
      urlAllow: LOOPBACK_SETTING,
    },
    {},
  );
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  const ended = runHost({ settings, logger, stop: once(stop.signal, 'abort') });
  ended.catch((error: unknown) => void lines.push(String(error)));
  const { hostId } = await until('the identity', () => loadOrCreateIdentity(state).catch(() => undefined));
  return {
    id: hostId,
    name,
    state,
    log: () => lines.join(''),
    async stop() {
      stop.abort();
      await ended;
    },
  };
}
