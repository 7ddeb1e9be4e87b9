/** The fleet of a fault run: an installation, its hosts in network namespaces, their pools, and the origin. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError, UnreachableError } from '../../cli/errors.ts';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { openLibvirtLab } from '../labs/libvirt.ts';
import { openNetwork } from '../labs/network.ts';
import { until } from '../support/until.ts';
import { FAKETIME, startFleetHost } from './fleet-host.ts';
import type { FleetHost } from './fleet-host.ts';
import type { Findings } from './findings.ts';
import type { Form } from './forms.ts';
import { openOrigin } from './origin.ts';
import type { Origin } from './origin.ts';

export interface FleetPool {
  readonly id: string;
  readonly path: string;
}

export interface Fleet {
  readonly lab: EndToEnd;
  readonly zoneId: string;
  readonly hosts: readonly FleetHost[];
  /** First the shared ones, then those of the hosts. */
  readonly pools: readonly FleetPool[];
  readonly origin: Origin;
  /** Offering of machines, whose disks are on shared pools. */
  readonly offeringId: string;
  /** Folder of all logs. */
  readonly logs: string;
  close(): Promise<void>;
}

const ZONE = 'faults';
const READY_MS = 300_000;

export async function openFleet(form: Form, findings: Findings): Promise<Fleet> {
  const network = await openNetwork();
  const closing: (() => Promise<void>)[] = [() => network.close()];
  const close = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const one of closing.toReversed()) await one().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, 'the fleet was not closed as a whole');
  };
  try {
    const env = { BYPASS_API_CALLS: '0' };
    const lab = await openEndToEnd({ hosts: 1, env, ...(form.ownServers ? { ownServers: true } : {}) });
    closing.push(() => lab.close());
    const origin = await openOrigin(await network.addLink(form.originMbit));
    closing.push(() => origin.close());
    const zoneId = await addZone(lab, form);
    const temporal = await network.reach(Number(lab.stack.temporalAddress.split(':')[1]));
    const logs = join(lab.stack.dataDir, 'logs');
    const hosts: FleetHost[] = [];
    for (let n = 0; n < form.hosts; n += 1) {
      const cluster = `cluster${(n % form.clusters) + 1}`;
      const name = `faults-${n + 1}`;
      const sharedPool = join(lab.stack.dataDir, 'faults', cluster);
      await mkdir(sharedPool, { recursive: true });
      const host = await startFleetHost({
        lab,
        name,
        zone: ZONE,
        cluster,
        place: await network.addPlace(form.hostMbit),
        temporal,
        folder: join(lab.stack.dataDir, 'faults', name),
        sharedPool,
        poolMib: form.poolMib,
        libvirt: form.machines > 0 ? await openLibvirtLab() : undefined,
        log: join(logs, `${name}.log`),
        hasClock: n === form.clockHost && form.kinds.includes('clock shifted') && FAKETIME !== undefined,
        onCrash: () =>
          findings.violated('processes', `the worker of ${name} ended by itself: ${logs}/${name}.log`),
      });
      closing.push(() => host.close());
      hosts.push(host);
    }
    await untilReady(lab, hosts);
    const pools = await poolsOf(lab, hosts);
    return { lab, zoneId, hosts, pools, origin, offeringId: await addOffering(lab), logs, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function addZone(lab: EndToEnd, { clusters }: Form): Promise<string> {
  const { zone } = await lab.call<{ readonly zone: { readonly id: string } }>('createZone', { name: ZONE });
  for (let n = 1; n <= clusters; n += 1)
    await lab.call('addCluster', { clustername: `cluster${n}`, zoneid: zone.id });
  return zone.id;
}

async function addOffering(lab: EndToEnd): Promise<string> {
  const { serviceoffering } = await lab.call<{ serviceoffering: { id: string } }>('createServiceOffering', {
    name: 'tiny',
    displaytext: 'tiny',
    cpunumber: 1,
    cpuspeed: 20,
    memory: 64,
    storagetype: 'shared',
  });
  return serviceoffering.id;
}

/** Waits until every host is Up, and lets the others in. */
export async function untilReady(lab: EndToEnd, hosts: readonly FleetHost[]): Promise<void> {
  const names = hosts.map(({ name }) => name);
  await until(
    'all hosts are Up, and let each other in',
    async () => {
      const listed = await lab.hosts().catch(unlessAway);
      const states = listed.filter(({ name }) => names.includes(name));
      if (states.filter(({ state }) => state === 'Up').length < names.length) return false;
      const rows = await lab.db.selectFrom('host').where('name', 'in', names).select('peer').execute();
      const known = rows.filter(({ peer }) => peer?.certificateEnds !== undefined);
      return known.length === hosts.length && new Set(known.map(({ peer }) => peer?.trusted)).size === 1;
    },
    READY_MS,
  );
}

/** The api, or what it needs, was just killed. */
function unlessAway(error: unknown): readonly [] {
  if (error instanceof UnreachableError || (error instanceof ApiError && error.kind === 'Unavailable'))
    return [];
  throw error;
}

async function poolsOf(lab: EndToEnd, hosts: readonly FleetHost[]): Promise<readonly FleetPool[]> {
  const paths = [
    ...new Set(hosts.map(({ sharedPool }) => sharedPool)),
    ...hosts.map(({ ownPool }) => ownPool),
  ];
  return until(
    'all pools are listed',
    async () => {
      const listed = await lab.listPools();
      const found = paths.flatMap((path) => listed.find((pool) => pool.path === path) ?? []);
      return found.length === paths.length ? found : undefined;
    },
    READY_MS,
  );
}
