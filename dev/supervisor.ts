/**
 * Keeps services running. Each service has a slot with a loop of its own: it waits until the process ends, pauses, and
 * starts the service again. The pause doubles with each failure, up to a limit, and a process that runs for a while makes
 * failures be forgotten, so that an occasional crash costs half a second and a broken service does not spin.
 *
 * `stop` first ends all loops, then ends the processes stage by stage: a process ends before those that it needs. What must
 * never happen: that a process starts again after `stop` began, or that `stop` resolves while one is left. So each loop checks
 * the signal after every wait, and `end` stops the slot's process once more when the loop has ended, since a start may have been
 * under way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child-process.ts';
import type { Stage } from './leftovers.ts';

export interface Running {
  readonly child: Child;
  stop(): Promise<void>;
}

export interface Service<R extends Running = Running> {
  /** Name in messages: `host worker host1`. */
  readonly name: string;
  readonly stage: Stage;
  readonly logFile: string;
  start(): Promise<R>;
}

export interface SupervisorDeps {
  /** Prints one line for the person at the terminal. */
  readonly print: (line: string) => void;
  /** Called after a service was started again: its pid has changed. */
  readonly onRestart: () => void;
  /**
   * Milliseconds: the pause before the first new start (default 500), the longest pause (default 30 000), and the running
   * time for which one failure is forgotten (default 5000).
   */
  readonly pauses?: { readonly first: number; readonly longest: number; readonly forget?: number };
}

export interface Supervisor {
  /** @throws the error of the service's first start, which is not repeated; the signal's reason after `stop` */
  start<R extends Running>(service: Service<R>): Promise<R>;
  /** 0 while the service does not run, or when it was never started. */
  pid(service: Service | undefined): number;
  /** A service that has failed this often without running steadily in between; undefined when there is none. */
  failing(times: number): Service | undefined;
  /** Ends all services, the lowest stage first, also services that are just starting. */
  stop(): Promise<void>;
}

const PAUSES: NonNullable<SupervisorDeps['pauses']> = { first: 500, longest: 30_000 };
/** Milliseconds of running for which one earlier failure is forgotten. */
const FORGET_MS = 5000;

interface Slot {
  readonly service: Service;
  running: Running | undefined;
  /** The loop of this slot; settles after `stop` began. */
  keeping: Promise<unknown>;
  failures: number;
}

export function createSupervisor({ print, onRestart, pauses = PAUSES }: SupervisorDeps): Supervisor {
  const forgetMs = pauses.forget ?? FORGET_MS;
  const slots: Slot[] = [];
  const stopping = new AbortController();

  const keep = async (slot: Slot): Promise<void> => {
    const { service } = slot;
    let startedAt = performance.now();
    while (!stopping.signal.aborted) {
      if (slot.running !== undefined) {
        const how = await slot.running.child.ended;
        slot.running = undefined;
        if (stopping.signal.aborted) return;
        const forgotten = Math.floor((performance.now() - startedAt) / forgetMs);
        slot.failures = Math.max(0, slot.failures - forgotten);
        print(`${service.name} ${how} (log: ${service.logFile})`);
      }
      const pause = Math.min(pauses.longest, pauses.first * 2 ** slot.failures);
      slot.failures += 1;
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      startedAt = performance.now();
      slot.running = await service.start().catch((error: unknown) => {
        print(`${service.name} does not start: ${(error as Error).message}`);
        return undefined;
      });
      if (slot.running === undefined) continue;
      print(`${service.name} runs again`);
      onRestart();
    }
  };

  const end = async (slot: Slot): Promise<void> => {
    await slot.running?.stop();
    await slot.keeping;
    await slot.running?.stop();
  };

  return {
    async start(service) {
      stopping.signal.throwIfAborted();
      const slot: Slot = { service, running: undefined, keeping: Promise.resolve(), failures: 0 };
      slots.push(slot);
      const starting = service.start();
      slot.keeping = starting.then(
        (running) => {
          slot.running = running;
          return keep(slot);
        },
        () => undefined,
      );
      return starting;
    },
    pid: (service) => slots.find((slot) => slot.service === service)?.running?.child.id.pid ?? 0,
    failing: (times) => slots.find(({ failures }) => failures >= times)?.service,
    async stop() {
      stopping.abort();
      const order = [...new Set(slots.map(({ service }) => service.stage))].toSorted((a, b) => a - b);
      for (const stage of order) {
        await Promise.all(slots.filter(({ service }) => service.stage === stage).map(end));
      }
    },
  };
}
