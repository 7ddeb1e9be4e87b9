/**
 * The moments at which a process is killed during the deployment of a virtual machine. Afterwards nobody helps: the
 * deployment goes on by itself, the machine runs once, and no file is left over, neither then nor when it was expunged.
 */
import { randomUUID } from 'node:crypto';
import { partsIn } from '../support/pool-folder.ts';
import { until } from '../support/until.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { guestProcesses, machineFiles } from './machines.ts';
import type { Machines } from './machines.ts';
import { standsStill } from './mortal-hosts.ts';
import type { Moment, PlannedDeaths } from './planned-deaths.ts';

export interface MachineDeath {
  readonly who: 'the host worker' | 'the control worker' | 'the api' | 'libvirtd';
  readonly name: string;
  /** Deaths of successive processes. Of libvirtd: the host worker stands still then; a virsh that it has started goes on. */
  readonly moments: readonly Moment[];
  /** Of libvirtd: whether the host worker goes on before libvirtd is back. */
  readonly alone?: boolean;
}

type When = Moment['when'];

const virsh = (when: When, args: string): Moment => ({
  call: 'spawn',
  path: '^virsh$',
  args: ` ${args} `,
  when,
  process: 'host',
});
const file = (call: Moment['call'], when: When, path: string): Moment => ({
  call,
  path,
  when,
  process: 'host',
});
const statement = (process: 'api' | 'control', when: When, path: string): Moment => ({
  call: 'query',
  path,
  when,
  process,
});

/** The path of a disk. */
export const DISK = '/[0-9a-f-]{36}$';
/** The path of a disk that is being made. */
const DRAFT = '\\.volume$';
export const SEED = 'seeds/.*\\.iso$';
/** virsh has begun to define and start the domain. */
export const STARTING = virsh('after', 'start');
/** The guest runs, and the host worker does not know it yet. */
export const RUNS = virsh('end', 'start');

const HOST: readonly (readonly [string, ...Moment[]])[] = [
  ['virsh has begun to define and start', STARTING],
  ['the disk is about to be written', file('truncate', 'before', DRAFT)],
  ['the disk is half written', file('write', 'half', DRAFT)],
  ['the disk is about to get its name', file('link', 'before', DISK)],
  ['the disk has its name', file('link', 'after', DISK)],
  ['the disk has only its final name', file('unlink', 'after', DRAFT)],
  ['the seed is about to get its name', file('rename', 'before', SEED)],
  ['the seed has its name', file('rename', 'after', SEED)],
  ['virsh is about to define and start', virsh('before', 'start')],
  ['the guest runs, and nothing is reported', RUNS],
  ['the release is about to be noted', STARTING, file('rename', 'before', 'fences/')],
  ['the release is noted', STARTING, file('rename', 'after', 'fences/')],
  ['the release is about to stop the guest', RUNS, virsh('before', 'destroy')],
  ['the release has begun to stop the guest', RUNS, virsh('after', 'destroy')],
  ['the release is about to undefine the domain', RUNS, virsh('before', 'undefine')],
  ['the release has begun to undefine the domain', RUNS, virsh('after', 'undefine')],
  ['the release is about to remove the seed', RUNS, file('unlink', 'before', 'seeds/')],
  ['the release is about to remove the disk', RUNS, file('unlink', 'before', DISK)],
  ['the release has removed the disk', RUNS, file('unlink', 'after', DISK)],
];

const CONTROL: readonly (readonly [string, Moment])[] = [
  ['the start is recorded', statement('control', 'after', '^commit: .*update "volumes" set "state" = \\$')],
  ['the place is about to be recorded', statement('control', 'before', '^commit: .*set "pool_id" = \\(')],
  ['the place is recorded', statement('control', 'after', '^commit: .*set "pool_id" = \\(')],
  ['the wait for the copy is recorded', statement('control', 'after', 'insert into "async_job"')],
  ['the start is about to be counted', statement('control', 'before', '^commit: .*"generation" \\+')],
  ['the start is counted', statement('control', 'after', '^commit: .*"generation" \\+')],
  [
    'the start is about to be recorded',
    statement('control', 'before', '^commit: .*update "volumes" set "state" = \\$'),
  ],
  [
    'the job is about to end',
    statement('control', 'before', '^commit: .*update "async_job".*VM|^commit: .*"job_result"'),
  ],
  ['the job has ended', statement('control', 'after', '^commit: .*"job_result"')],
];

const API: readonly (readonly [string, Moment])[] = [
  [
    'the machine is recorded, and nobody works on it',
    statement('api', 'after', '^commit: .*into "vm_instance"'),
  ],
  ['the machine is about to be recorded', statement('api', 'before', '^commit: .*into "vm_instance"')],
];

const LIBVIRTD: readonly (readonly [string, ...Moment[]])[] = [
  ['virsh has begun to define and start', STARTING],
  ['virsh is about to define and start', virsh('before', 'start')],
  ['the guest runs, and nothing is reported', RUNS],
];

export const MACHINE_DEATHS: readonly MachineDeath[] = [
  ...HOST.map(([name, ...moments]): MachineDeath => ({ who: 'the host worker', name, moments })),
  ...CONTROL.map(([name, ...moments]): MachineDeath => ({ who: 'the control worker', name, moments })),
  ...API.map(([name, ...moments]): MachineDeath => ({ who: 'the api', name, moments })),
  ...[false, true].flatMap((alone) =>
    LIBVIRTD.map(([name, ...moments]): MachineDeath => ({
      who: 'libvirtd',
      name: alone ? `${name}, and it is away for a while` : name,
      moments,
      alone,
    })),
  ),
];

/** The short form. */
export const TELLING: readonly MachineDeath[] = (['the host worker', 'libvirtd'] as const).flatMap((who) =>
  MACHINE_DEATHS.filter((death) => death.who === who).slice(0, 1),
);

export interface DyingInstallation {
  readonly lab: EndToEnd;
  readonly libvirt: LibvirtLab;
  readonly machines: Machines;
  readonly deaths: PlannedDeaths;
}

/** @throws the first violated expectation */
export async function deployThroughDeaths(where: DyingInstallation, death: MachineDeath): Promise<void> {
  const { lab, machines, deaths } = where;
  const name = `${death.who} ${death.name}`.replace(/\W+/g, '-');
  const { id: templateId } = await machines.image(name);
  const before = await machines.files();
  try {
    const id = await deployDying(where, death, templateId);
    const [copy] = await lab.deployments({ templateid: templateId });
    await machines.console(id, `hello from ${name}`);
    const { instancename = '', state } = (await machines.show(id)) ?? {};
    expect(state).toBe('Running');
    expect(await machines.domains()).toEqual([id]);
    expect(await guestProcesses(instancename)).toHaveLength(1);
    expect(await partsIn(lab.pool.path)).toEqual([]);
    expect(await machines.files()).toHaveLength(before.length + 2);
    expect((await machineFiles(lab.pool.path)).map(kindOf)).toEqual([`${id} iso`, `${id} json`, `${id} log`]);
    await machines.expunge(id);
    expect(await machines.domains()).toEqual([]);
    expect(await guestProcesses(instancename)).toEqual([]);
    expect(await machines.files()).toEqual([...before, copy?.installpath ?? ''].toSorted());
    expect(await machineFiles(lab.pool.path)).toEqual([]);
  } finally {
    await deaths.forget();
    await removeLeftover(where, templateId);
  }
}

/** After a failure: the next deaths find nothing of this machine. */
async function removeLeftover({ lab, machines }: DyingInstallation, templateId: string): Promise<void> {
  const left = await lab.call<{ virtualmachine?: readonly { readonly id: string }[] }>(
    'listVirtualMachines',
    { templateid: templateId, listall: true },
  );
  for (const { id } of left.virtualmachine ?? []) await machines.expunge(id);
}

const kindOf = (name: string): string => name.replace('.', ' ');

/** @returns the machine, which runs */
async function deployDying(
  where: DyingInstallation,
  death: MachineDeath,
  templateId: string,
): Promise<string> {
  const { lab, machines, deaths } = where;
  if (death.who === 'the api') return deployWithoutAnswer(where, death, templateId);
  const [first, ...later] = death.moments.map((moment): Moment =>
    death.who === 'libvirtd' ? { ...moment, signal: 'SIGSTOP' } : moment,
  );
  const host = lab.pids().hosts[0] ?? 0;
  await deaths.plan(first as Moment);
  const { id, jobid } = await machines.begin(templateId);
  await deaths.came();
  for (const next of later) {
    await deaths.plan(next);
    await deaths.came();
  }
  if (death.who === 'libvirtd') await replaceLibvirtd(where, { host, alone: death.alone === true });
  await machines.ended(jobid);
  return id;
}

async function replaceLibvirtd(
  { libvirt }: DyingInstallation,
  { host, alone }: { readonly host: number; readonly alone: boolean },
): Promise<void> {
  await until('the host worker stands still', () => standsStill(host));
  await libvirt.killLibvirtd();
  if (alone) process.kill(host, 'SIGCONT');
  await libvirt.startLibvirtd();
  if (!alone) process.kill(host, 'SIGCONT');
}

/** The caller gets no answer. He finds the machine, which comes to run by itself; or there is none, and he calls again. */
async function deployWithoutAnswer(
  { machines, deaths, lab }: DyingInstallation,
  { moments: [moment] }: MachineDeath,
  templateId: string,
): Promise<string> {
  await deaths.plan(moment as Moment);
  const name = `lost-${randomUUID().slice(0, 8)}`;
  const lost = machines.begin(templateId, { name }).catch((error: unknown) => error);
  await deaths.came();
  expect(await lost).toBeInstanceOf(Error);
  const found = await until('the api answers again', () =>
    lab
      .call<{ virtualmachine?: readonly { readonly id: string }[] }>('listVirtualMachines', { name })
      .catch(() => undefined),
  );
  const [machine] = found.virtualmachine ?? [];
  if (machine === undefined) return machines.deploy(templateId, { name });
  await until(
    'the machine runs',
    async () => (await machines.show(machine.id))?.state === 'Running',
    240_000,
  );
  return machine.id;
}
