/**
 * The start of a machine: disk and seed beside each other, definition, start. A start uses what is there already. When it
 * fails, it removes what it made, in reverse order: the domain first, then the seed, and the disk.
 */
import { randomBytes } from 'node:crypto';
import type { Pool } from '../images/pools/pool.ts';
import { ImageError } from '../model/failures.ts';
import { unlinkIfThere } from '../images/regular-files.ts';
import type { DomainState } from '../model/vms.ts';
import type { ConsoleLogs } from './console-log.ts';
import { createCpuTuning } from './cpu-tuning.ts';
import { diskSizes, ensureDisk, findImage, isFirstStart } from './disks.ts';
import type { Disk } from './disks.ts';
import { domainXml } from './domain-xml.ts';
import type { DomainPlan, NicPlan } from './domain-plan.ts';
import type { DomainList } from './domains.ts';
import { deservesAnotherStart } from './errors.ts';
import type { Fences } from './fences.ts';
import type { Folders } from './folders.ts';
import type { HypervisorOptions, Machine, Running, StartCall } from './hypervisor.ts';
import { connect } from './networks.ts';
import type { RemoveDomain } from './removal.ts';
import { writeSeed } from './seed.ts';
import { askState, domainState, isActive, stateFrom } from './states.ts';
import { XML_INPUT } from './virsh.ts';

export interface StartDeps {
  readonly options: HypervisorOptions;
  readonly folders: Folders;
  readonly fences: Fences;
  readonly logs: ConsoleLogs;
  readonly list: DomainList;
  readonly removeDomain: RemoveDomain;
}

/** Before its first machine libvirt finds out what QEMU can do; QEMU prepares all memory of a large guest. */
const DEFINE_MS = 3 * 60_000;
const START_MS = 5 * 60_000;

type Undo = () => Promise<unknown>;

export function createStart(deps: StartDeps): (machine: Machine, call: StartCall) => Promise<Running> {
  const { options, folders, fences, logs, list, removeDomain } = deps;
  const { virsh, pools } = options;
  const tuning = createCpuTuning(virsh);

  const connected = (machine: Machine): Promise<readonly NicPlan[]> =>
    Promise.all(
      machine.nics.map(async ({ mac, rate, ...nic }) => {
        const connection = await connect(options.networks, nic);
        return { mac, connection, ...(rate === undefined ? {} : { rate }) };
      }),
    );

  /** Everything but the weight of the guest. */
  const planOf = async (
    machine: Machine,
    { pool, disk, nics }: { readonly pool: Pool; readonly disk: Disk; readonly nics: readonly NicPlan[] },
  ): Promise<DomainPlan> => {
    const { seed: _seed, disk: _disk, iso, nics: _nics, secrets, ...same } = machine;
    const image = iso && (await findImage(pool, iso));
    return {
      ...same,
      hostId: options.hostId,
      accelerator: await options.accelerator(),
      disk: disk.plan,
      firmwareVariables: disk.firmwareVariables,
      ...(image && { iso: image.path }),
      seed: folders.seedOf(machine.vmId),
      nics,
      consoleLog: logs.pathOf(machine.vmId),
      vncPassword: secrets?.vncPassword ?? randomBytes(6).toString('base64url'),
    };
  };

  /** @param defined whether libvirt may have a definition already, which nobody must start when the new one is refused */
  const run = async (
    machine: Machine,
    plan: DomainPlan,
    { call, defined }: { readonly call: StartCall; readonly defined: boolean },
  ): Promise<DomainState> => {
    const { vmId } = machine;
    const { signal, onPhase } = call;
    onPhase('define');
    const xml = domainXml({ ...plan, ...(await tuning.of(machine)) });
    const define = ['define', XML_INPUT];
    const startCommands = [['start', vmId], askState(vmId)];
    if (defined) await virsh.run(define, { xml, signal, timeoutMs: DEFINE_MS });
    list.forget(vmId);
    onPhase('start');
    const said = await (defined
      ? virsh.runAll(startCommands, { signal, timeoutMs: START_MS })
      : virsh.runAll([define, ...startCommands], { xml, signal, timeoutMs: DEFINE_MS + START_MS }));
    return stateFrom(said.at(-1) ?? '');
  };

  /** Tries once more where that can help, or tell why the start failed. */
  const runPatiently = async (
    machine: Machine,
    plan: DomainPlan,
    how: { readonly call: StartCall; readonly defined: boolean },
  ): Promise<DomainState> => {
    try {
      return await run(machine, plan, how);
    } catch (error) {
      if (!tuning.gaveUp(machine, error) && !deservesAnotherStart(error)) throw error;
      return run(machine, plan, { ...how, defined: true });
    }
  };

  const makeSeed = async (machine: Machine, undo: Undo[]): Promise<void> => {
    const seed = folders.seedOf(machine.vmId);
    undo.unshift(() => unlinkIfThere(seed));
    await writeSeed(seed, folders.drafts, machine);
  };

  /** @param before what libvirt has of the machine, none of which runs; undefined: nothing is expected, and it is not asked yet */
  const make = async (
    machine: Machine,
    pool: Pool,
    {
      call,
      before,
      undo,
    }: { readonly call: StartCall; readonly before?: DomainState; readonly undo: Undo[] },
  ): Promise<DomainState> => {
    const { vmId } = machine;
    const { signal, onPhase } = call;
    // Before anything is made: a host that does not offer the networks has nothing to undo.
    const nics = await connected(machine);
    onPhase('disk');
    // All have settled before anything is taken back.
    const [found, made, seeded] = await Promise.allSettled([
      before ?? domainState(virsh, vmId, { signal }),
      makeDisk(machine, pool, signal, undo),
      makeSeed(machine, undo),
    ]);
    const state = valueOf(found);
    const disk = valueOf(made);
    onPhase('seed');
    valueOf(seeded);
    if (isActive(state))
      throw new ImageError(
        'DomainFailed',
        'a domain with the id of the machine runs, which has not its disk',
      );
    const plan = await planOf(machine, { pool, disk, nics });
    undo.unshift(() => removeDomain(vmId));
    return runPatiently(machine, plan, { call, defined: state !== 'absent' });
  };

  return async (machine, call) => {
    const { vmId, poolId, generation } = machine;
    const { signal } = call;
    await folders.prepare();
    await fences.check(vmId, generation);
    const pool = await pools.require(poolId);
    await pool.check();
    const isFirst = await isFirstStart(pool, machine.disk);
    const before = isFirst ? undefined : await domainState(virsh, vmId, { signal });
    const ran = before !== undefined && isActive(before);
    if (ran && !(await list.isOurs(vmId)))
      throw new ImageError('DomainFailed', 'another host of the same libvirt runs the domain');
    if (before === 'paused') await virsh.run(['resume', vmId]).catch(() => undefined);
    const making = { call, ...(before === undefined ? {} : { before }) };
    const state = ran
      ? await domainState(virsh, vmId)
      : await undoneOnFailure((undo) => make(machine, pool, { ...making, undo }));
    call.onPhase('boot');
    return { state, ran, ...(await diskSizes(pool, machine.disk)), addresses: [] };
  };
}

async function makeDisk(machine: Machine, pool: Pool, signal: AbortSignal, undo: Undo[]): Promise<Disk> {
  const image = machine.disk.image && (await findImage(pool, machine.disk.image));
  const disk = await ensureDisk(pool, machine.disk, image, signal);
  if (disk.made) undo.unshift(() => pool.removeVolume(machine.disk.volumeId));
  return disk;
}

function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/** Runs `work`; when it fails, runs what it has noted to undo its steps. */
async function undoneOnFailure<T>(work: (undo: Undo[]) => Promise<T>): Promise<T> {
  const undo: Undo[] = [];
  try {
    return await work(undo);
  } catch (error) {
    // When the domain cannot be removed, its disk and seed stay, since the guest may use them: a release comes later.
    await undo
      .reduce((before, step) => before.then(step), Promise.resolve<unknown>(undefined))
      .catch(() => undefined);
    throw error;
  }
}
