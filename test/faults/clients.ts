/**
 * The clients of a fault run: they want what the wishes say, as scripts do. A call that got no answer, or one that may pass, is made
 * again; whatever else the api answers is final.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, UnreachableError } from '../../cli/errors.ts';
import type { VirtualMachine } from '../../model/api-answers.ts';
import { until } from '../support/until.ts';
import type { Findings } from './findings.ts';
import type { Fleet } from './fleet.ts';
import type { KnownMachine, KnownTemplate, Truth } from './truth.ts';
import type { MachineWish, TemplateWish } from './wishes.ts';

/** A refusal that may pass: the same call is made again. */
const PASSING = new Set(['Unavailable', 'NoCapacity', 'TooManyCalls', 'SourceRefused']);
/** Longer than any fault, and what follows from it. */
const PATIENCE_MS = 240_000;

export interface Clients {
  /** Does something at its time, and again while the api cannot. @returns undefined when the api refuses it for good */
  insist<T>(what: string, call: () => Promise<T>): Promise<T | undefined>;
  /** Asks for a copy. */
  prepare(template: KnownTemplate, pool: number): Promise<void>;
  delete(template: KnownTemplate): Promise<void>;
  expunge(machine: KnownMachine): Promise<void>;
  /** Resolves when all wishes were said. */
  readonly done: Promise<unknown>;
}

export function startClients(fleet: Fleet, truth: Truth, findings: Findings): Clients {
  const { lab, zoneId, origin, pools } = fleet;
  const start = performance.now();
  const at = (ms: number): Promise<void> => sleep(Math.max(0, ms - (performance.now() - start)));

  const insist = <T>(what: string, call: () => Promise<T>): Promise<T | undefined> =>
    until(
      `the api answers: ${what}`,
      async () => {
        try {
          return { answer: await call() };
        } catch (error) {
          if (error instanceof UnreachableError) return undefined;
          if (!(error instanceof ApiError)) throw error;
          if (error.kind === 'InternalFault') findings.violated('jobs', `${what}: ${error.message}`);
          if (error.kind !== undefined && PASSING.has(error.kind)) return undefined;
          findings.log(`${what}: refused, ${error.kind}: ${error.message}`);
          return { answer: undefined };
        }
      },
      PATIENCE_MS,
    ).then(({ answer }) => answer);

  const job = async (what: string, command: string, parameters: Record<string, string | boolean>) => {
    const answer = await insist(what, () => lab.call<{ readonly jobid: string }>(command, parameters));
    if (answer !== undefined) truth.jobs.add(answer.jobid);
  };

  const register = async (template: KnownTemplate): Promise<void> => {
    const { name, hasChecksum } = template.wanted;
    const url = origin.serve(name, { content: template.content, hasChecksum });
    const checksum = hasChecksum ? { checksum: `{SHA-256}${template.sha256}` } : {};
    const call = () => lab.register({ url, name, zoneid: zoneId, customid: `faults-${name}`, ...checksum });
    template.id = await until(
      `${name} is registered`,
      async () => {
        const image = await insist(`register ${name}`, call);
        if (image === undefined) return undefined;
        // The check may go on after the answer; a template that fails it is gone.
        const look = () => lab.templates({ id: image.id });
        const outcome = await until(`${name} is checked`, async () => {
          const seen = await insist(`look at ${name}`, look);
          if (seen?.[0] === undefined) return 'gone';
          return seen[0].isready && 'ready';
        });
        return outcome === 'ready' ? image.id : undefined;
      },
      PATIENCE_MS,
    );
  };

  const prepare = async (template: KnownTemplate, pool: number): Promise<void> => {
    const storageid = pools[pool]?.id ?? '';
    const parameters = { templateid: template.id ?? '', zoneid: zoneId, storageid };
    await job(`prepare ${template.wanted.name} on pool ${pool}`, 'prepareTemplate', parameters);
  };
  const cancel = async (template: KnownTemplate, { pool, act }: TemplateWish): Promise<void> => {
    const cleanup = act === 'remove';
    const what = `${act} ${template.wanted.name} on pool ${pool}`;
    const parameters = { templateid: template.id ?? '', storageid: pools[pool]?.id ?? '', cleanup };
    const answer = await insist(what, () => lab.call('cancelTemplateDeployment', parameters));
    if (answer !== undefined && cleanup) template.removals += 1;
  };
  const remove = async (template: KnownTemplate): Promise<void> => {
    // Set before: from now on it may be gone.
    template.deleted = true;
    await job(`delete ${template.wanted.name}`, 'deleteTemplate', { id: template.id ?? '' });
  };

  const liveAsTemplate = async (template: KnownTemplate): Promise<void> => {
    await at(template.wanted.atMs);
    await register(template);
    for (const wish of template.wanted.wishes) {
      await at(wish.atMs);
      if (wish.act === 'prepare') await prepare(template, wish.pool);
      else if (wish.act === 'delete') await remove(template);
      else await cancel(template, wish);
    }
  };

  const named = async (name: string): Promise<VirtualMachine | undefined> => {
    const answer = await lab.call<{ virtualmachine?: VirtualMachine[] }>('listVirtualMachines', { name });
    return answer.virtualmachine?.find((one) => one.name === name);
  };
  const deploy = async (machine: KnownMachine): Promise<void> => {
    const { name } = machine.wanted;
    const parameters = {
      name,
      templateid: machine.template.id ?? '',
      zoneid: zoneId,
      serviceofferingid: fleet.offeringId,
    };
    machine.id = await insist(`deploy ${name}`, async () => {
      // An earlier call may have been carried out without an answer.
      const there = await named(name);
      if (there !== undefined) return there.id;
      const begun = await lab.call<{ readonly id: string; readonly jobid: string }>(
        'deployVirtualMachine',
        parameters,
      );
      truth.jobs.add(begun.jobid);
      return begun.id;
    });
  };
  const expunge = async (machine: KnownMachine): Promise<void> => {
    machine.expunged = true;
    const parameters = { id: machine.id ?? '', expunge: true };
    await job(`expunge ${machine.wanted.name}`, 'destroyVirtualMachine', parameters);
  };
  const change = async (machine: KnownMachine, { act }: MachineWish): Promise<void> => {
    if (act === 'expunge') return expunge(machine);
    const parameters = { id: machine.id ?? '', ...(act === 'stopVirtualMachine' ? { forced: true } : {}) };
    return job(`${act} ${machine.wanted.name}`, act, parameters);
  };
  const liveAsMachine = async (machine: KnownMachine): Promise<void> => {
    await at(machine.wanted.atMs);
    await until(`${machine.template.wanted.name} is registered`, () => machine.template.id, PATIENCE_MS);
    await deploy(machine);
    for (const wish of machine.wanted.wishes) {
      await at(wish.atMs);
      if (machine.id !== undefined) await change(machine, wish);
    }
  };

  const done = Promise.all([...truth.templates.map(liveAsTemplate), ...truth.machines.map(liveAsMachine)]);
  // It is awaited when the faults are over.
  done.catch((error: unknown) => findings.log(String(error)));
  return { insist, prepare, delete: remove, expunge, done };
}
