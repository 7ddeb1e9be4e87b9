/**
 * The start of a machine: disk, seed, definition, start. A start uses what is there already. When it fails, it removes
 * what it made, in reverse order: the domain, the seed, and the disk.
 */
import { randomBytes } from 'node:crypto';
import type { Pool } from '../images/pools/pool.ts';
import { ImageError } from '../model/failures.ts';
import { unlinkIfThere } from '../images/regular-files.ts';
import type { ConsoleLogs } from './console-log.ts';
import { createCpuTuning } from './cpu-tuning.ts';
import { diskSizes, ensureDisk, findImage } from './disks.ts';
import type { Disk } from './disks.ts';
import { domainXml } from './domain-xml.ts';
import type { DomainPlan, NicPlan } from './domain-plan.ts';
import type { DomainList } from './domains.ts';
import type { Fences } from './fences.ts';
import type { Folders } from './folders.ts';
import type { HypervisorOptions, Machine, Running, StartCall } from './hypervisor.ts';
import { connect } from './networks.ts';
import type { RemoveDomain } from './removal.ts';
import { writeSeed } from './seed.ts';
import { domainState, isActive } from './states.ts';
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
    { pool, disk }: { readonly pool: Pool; readonly disk: Disk },
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
      nics: await connected(machine),
      consoleLog: logs.pathOf(machine.vmId),
      vncPassword: secrets?.vncPassword ?? randomBytes(6).toString('base64url'),
    };
  };

  const run = async (machine: Machine, plan: DomainPlan, { signal, onPhase }: StartCall): Promise<void> => {
    onPhase('define');
    const xml = domainXml({ ...plan, ...(await tuning.of(machine)) });
    await virsh.run(['define', XML_INPUT], { xml, signal, timeoutMs: DEFINE_MS });
    list.forget(machine.vmId);
    onPhase('start');
    await virsh.run(['start', machine.vmId], { signal, timeoutMs: START_MS });
  };

  const runTuned = async (machine: Machine, plan: DomainPlan, call: StartCall): Promise<void> => {
    try {
      await run(machine, plan, call);
    } catch (error) {
      if (!tuning.gaveUp(machine, error)) throw error;
      await run(machine, plan, call);
    }
  };

  const make = async (machine: Machine, pool: Pool, call: StartCall, undo: Undo[]): Promise<void> => {
    const { vmId } = machine;
    const { signal, onPhase } = call;
    // Before anything is made: a host that does not offer the networks has nothing to undo.
    await connected(machine);
    onPhase('disk');
    const image = machine.disk.image && (await findImage(pool, machine.disk.image));
    const disk = await ensureDisk(pool, machine.disk, image, signal);
    if (disk.made) undo.unshift(() => pool.removeVolume(machine.disk.volumeId));
    onPhase('seed');
    const seed = folders.seedOf(vmId);
    undo.unshift(() => unlinkIfThere(seed));
    await writeSeed(seed, folders.drafts, machine, signal);
    const plan = await planOf(machine, { pool, disk });
    undo.unshift(() => removeDomain(vmId));
    await runTuned(machine, plan, call);
  };

  return async (machine, call) => {
    const { vmId, poolId, generation } = machine;
    await folders.prepare();
    await fences.check(vmId, generation);
    const pool = await pools.require(poolId);
    await pool.check();
    const before = await domainState(virsh, vmId, { signal: call.signal });
    const ran = isActive(before);
    if (ran && !(await list.isOurs(vmId)))
      throw new ImageError('DomainFailed', 'another host of the same libvirt runs the domain');
    if (before === 'paused') await virsh.run(['resume', vmId]).catch(() => undefined);
    if (!ran) await undoneOnFailure((undo) => make(machine, pool, call, undo));
    call.onPhase('boot');
    const state = await domainState(virsh, vmId);
    return { state, ran, ...(await diskSizes(pool, machine.disk)), addresses: [] };
  };
}

/** Runs `work`; when it fails, runs what it has noted to undo its steps. */
async function undoneOnFailure(work: (undo: Undo[]) => Promise<void>): Promise<void> {
  const undo: Undo[] = [];
  try {
    await work(undo);
  } catch (error) {
    // When the domain cannot be removed, its disk and seed stay, since the guest may use them: a release comes later.
    await undo
      .reduce((before, step) => before.then(step), Promise.resolve<unknown>(undefined))
      .catch(() => undefined);
    throw error;
  }
}
