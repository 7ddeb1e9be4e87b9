/**
 * What must be after the last fault, when all is quiet: everything has ended by itself, with a true reason where it failed; what
 * failed succeeds when it is asked for again; and when all is removed, nothing is left.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asApiError } from '../../api/server/known-errors.ts';
import { machineFiles } from '../end-to-end/machines.ts';
import { partsIn, publishedIn } from '../support/pool-folder.ts';
import { until } from '../support/until.ts';
import { disagreements } from './agreement.ts';
import type { Happened } from './carrying-out.ts';
import type { Clients } from './clients.ts';
import type { Findings, Invariant } from './findings.ts';
import { untilReady } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { sha256Of } from './pool-files.ts';
import { hasTrueReason, readByClocks } from './reasons.ts';
import { copiesIn, disksIn, jobsIn, machinesIn, reservations } from './rows.ts';
import type { CopyRow } from './rows.ts';
import type { Truth } from './truth.ts';
import type { Watch } from './watch.ts';

export interface Quiet {
  readonly fleet: Fleet;
  readonly truth: Truth;
  readonly clients: Clients;
  readonly watch: Watch;
  readonly faults: readonly Happened[];
  readonly findings: Findings;
  readonly quietMs: number;
}

/** Deployments that have not come to an end. */
const IN_PROGRESS = new Set(['Allocated', 'Creating', 'Destroying']);

export async function settle(quiet: Quiet): Promise<void> {
  const { fleet, findings } = quiet;
  await untilReady(fleet.lab, fleet.hosts);
  findings.log('all hosts are Up');
  await untilAllEnded(quiet);
  await requireAllJobs(quiet);
  await judgeFailures(quiet);
  await askAgain(quiet);
  await requireRightFiles(quiet);
  await requireTidyPools(quiet);
  await removeAll(quiet);
  await requireNothingLeft(quiet);
}

/** Waits for a condition; the words that it still has when the time is up are violations. */
async function untilNone(
  { findings, quietMs }: Quiet,
  invariant: Invariant,
  what: string,
  look: () => Promise<readonly string[]>,
): Promise<void> {
  let last: readonly string[] = [];
  await until(
    what,
    async () => {
      last = await look().catch(unlessAway);
      return last.length === 0;
    },
    quietMs,
  ).catch((error: unknown) => {
    // A look that failed has found out nothing.
    if (last.length === 0) last = [`${what}: ${String(error)}`];
    for (const one of last)
      findings.violated(invariant, `after at most ${quietMs / 1000} s of quiet: ${one}`);
  });
  findings.log(`${what}: ${last.length === 0 ? 'yes' : 'no'}`);
}

/** The last fault may have been a server's. */
function unlessAway(error: unknown): readonly string[] {
  const expected = asApiError(error);
  if (expected === undefined) throw error;
  return [expected.message];
}

async function untilAllEnded(quiet: Quiet): Promise<void> {
  const { lab, zoneId } = quiet.fleet;
  await untilNone(quiet, 'jobs', 'every job has ended', async () =>
    (await jobsIn(lab.db)).flatMap(({ uuid, command, status }) =>
      status === 0 ? [`${command} ${uuid} has not ended`] : [],
    ),
  );
  await untilNone(quiet, 'deployments', 'no deployment is in progress', async () =>
    (await copiesIn(lab.db, zoneId)).flatMap((row) =>
      IN_PROGRESS.has(row.state) && !row.cancelled ? [`${titleOf(row)} is ${row.state}`] : [],
    ),
  );
  await untilNone(
    quiet,
    'agreement',
    'database and Temporal agree',
    async () => (await disagreements(lab)) ?? ['one of the two does not answer'],
  );
}

async function requireAllJobs({ fleet, truth, findings }: Quiet): Promise<void> {
  const known = new Set((await jobsIn(fleet.lab.db)).map(({ uuid }) => uuid));
  for (const id of truth.jobs) if (!known.has(id)) findings.violated('jobs', `job ${id} is lost`);
}

async function judgeFailures(quiet: Quiet): Promise<void> {
  const { fleet, watch, findings } = quiet;
  const faults = [...quiet.faults, ...(await joinsOf(fleet))];
  for (const { template, host, source, kind, error, started, ended } of watch.failedTries) {
    const told = { from: started.getTime(), to: ended.getTime() };
    const ofHost = faults.filter((fault) => fleet.hosts[fault.host]?.name === host);
    const times = readByClocks(told, ofHost);
    if (!times.some((when) => hasTrueReason(kind, when, faults)))
      findings.violated(
        'deployments',
        `${host} failed ${template} from ${source} without a cause, ${started.toISOString()} to ${ended.toISOString()}: ${kind}: ${error}`,
      );
  }
  for (const row of await copiesIn(fleet.lab.db, fleet.zoneId)) {
    if (row.state !== 'Failed') continue;
    const when = { from: row.created.getTime(), to: row.updated.getTime() };
    findings.log(`${titleOf(row)} failed: ${row.errorKind}: ${row.error}`);
    if (!hasTrueReason(row.errorKind ?? '', when, faults))
      findings.violated(
        'deployments',
        `${titleOf(row)} failed without a cause: ${row.errorKind}: ${row.error}`,
      );
  }
}

/** A host that has just joined is let in by the others in a moment: until then it is as one that was killed and is back. */
async function joinsOf({ lab, hosts }: Fleet): Promise<readonly Happened[]> {
  const rows = await lab.db.selectFrom('host').select(['name', 'created']).execute();
  return rows.map(({ name, created }) => {
    const host = hosts.findIndex((one) => one.name === name);
    return { kind: 'host killed', host, from: created.getTime(), to: created.getTime() };
  });
}

const titleOf = ({ template, path, uuid }: CopyRow): string => `${template} on ${path} (${uuid})`;

/** Whatever failed or was cancelled is asked for once more, when nothing is wrong any more. */
async function askAgain(quiet: Quiet): Promise<void> {
  const { fleet, truth, clients } = quiet;
  const { lab, pools, zoneId } = fleet;
  const wanted = truth.templates.filter(({ deleted, id }) => !deleted && id !== undefined);
  for (const template of wanted) {
    const places = new Set(
      template.wanted.wishes.filter(({ act }) => act === 'prepare').map(({ pool }) => pool),
    );
    for (const pool of places) await clients.prepare(template, pool);
  }
  const stopped = truth.machines.filter(({ id, expunged }) => id !== undefined && !expunged);
  for (const { id = '', wanted: machine } of stopped) {
    const state = (await machinesIn(lab.db, zoneId)).find(({ uuid }) => uuid === id)?.state;
    if (state !== 'Running')
      await clients.insist(`start ${machine.name}`, () => lab.call('startVirtualMachine', { id }));
  }
  await untilNone(quiet, 'deployments', 'what failed is Ready when it is asked for again', async () => {
    const rows = await copiesIn(lab.db, zoneId);
    const expected = wanted.flatMap(({ id, wanted: { wishes, name } }) =>
      wishes.flatMap(({ act, pool }) => (act === 'prepare' ? [{ id, name, poolId: pools[pool]?.id }] : [])),
    );
    return expected.flatMap(({ id, name, poolId }) => {
      const row = rows.find((one) => one.templateId === id && one.poolId === poolId);
      return row?.state === 'Ready' ? [] : [`${name} on ${poolId} is ${row?.state}: ${row?.error}`];
    });
  });
  await untilNone(quiet, 'machines', 'every machine that is wanted runs', async () => {
    const rows = await machinesIn(lab.db, zoneId);
    return stopped.flatMap(({ id, wanted: { name } }) => {
      const row = rows.find(({ uuid }) => uuid === id);
      return row?.state === 'Running' ? [] : [`${name} is ${row?.state}: ${row?.error}`];
    });
  });
  await untilAllEnded(quiet);
}

async function requireRightFiles({ fleet, truth, findings }: Quiet): Promise<void> {
  const disks = await disksIn(fleet.lab.db);
  const rows = await copiesIn(fleet.lab.db, fleet.zoneId);
  for (const row of rows) {
    if (row.state !== 'Ready') continue;
    const template = truth.templates.find(({ wanted }) => wanted.name === row.template);
    const sha256 = await sha256Of(join(row.path, row.installPath ?? row.uuid));
    if (sha256 !== template?.sha256) findings.violated('files', `${titleOf(row)} has SHA-256 ${sha256}`);
  }
  const known = new Set([...disks, ...rows.map(({ uuid, installPath }) => installPath ?? uuid)]);
  for (const { path } of fleet.pools)
    for (const name of await publishedIn(path))
      if (!known.has(name)) findings.violated('leftovers', `no row knows ${path}/${name}`);
}

/** Nothing is unfinished, so that there is nothing of it. */
async function requireTidyPools(quiet: Quiet): Promise<void> {
  const { fleet } = quiet;
  await untilNone(quiet, 'leftovers', 'no part file is left', async () => {
    const found = await Promise.all(
      fleet.pools.map(async ({ path }) => (await partsIn(path)).map((name) => `${path} has part ${name}`)),
    );
    return found.flat();
  });
  await untilNone(quiet, 'leftovers', 'no space is reserved', async () => {
    const count = await reservations(fleet.lab.db);
    return count === 0 ? [] : [`${count} reservations are left`];
  });
}

async function removeAll(quiet: Quiet): Promise<void> {
  const { truth, clients } = quiet;
  for (const machine of truth.machines)
    if (machine.id !== undefined && !machine.expunged) await clients.expunge(machine);
  await untilAllEnded(quiet);
  for (const template of truth.templates)
    if (template.id !== undefined && !template.deleted) await clients.delete(template);
  await untilAllEnded(quiet);
}

async function requireNothingLeft(quiet: Quiet): Promise<void> {
  const { fleet } = quiet;
  const { lab, zoneId, hosts, pools } = fleet;
  await untilNone(quiet, 'leftovers', 'nothing is left when all is removed', async () => {
    const rows = await copiesIn(lab.db, zoneId);
    const machines = await machinesIn(lab.db, zoneId);
    const files = await Promise.all(
      pools.map(async ({ path }) =>
        [...(await publishedIn(path)), ...(await partsIn(path))].map((name) => `${path}/${name}`),
      ),
    );
    const folders = await Promise.all(hosts.map(({ ownPool }) => machineFiles(ownPool)));
    const domains = await Promise.all(
      hosts.map(async ({ libvirt }) => (await libvirt?.virsh.run(['list', '--all', '--uuid']))?.trim() ?? ''),
    );
    return [
      ...rows.map((row) => `the row of ${titleOf(row)}, ${row.state}`),
      ...machines.map(({ name, state }) => `machine ${name}, ${state}`),
      ...files.flat(),
      ...folders.flat(),
      ...domains.filter((one) => one !== '').map((one) => `domains ${one}`),
      ...(await attemptRecords(hosts.map(({ state }) => state))),
    ];
  });
}

/** Ledgers in the state folders of hosts: which part files are theirs. */
async function attemptRecords(states: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const state of states) {
    const folder = join(state, 'parts');
    for (const name of await readdir(folder).catch(() => []))
      found.push(`${folder}/${name}: ${(await readFile(join(folder, name), 'utf8')).slice(0, 200)}`);
  }
  return found;
}
