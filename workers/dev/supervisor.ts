/** Keeps services running: starts again, with growing pauses, what ends by itself, and ends all in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';
import type { Stage } from './leftovers.ts';

export interface Running {
  readonly child: Child;
  stop(): Promise<void>;
}

export interface Service<R extends Running = Running> {
  /** As a person reads it: `host worker 1`. */
  readonly name: string;
  readonly stage: Stage;
  readonly logFile: string;
  start(): Promise<R>;
}

export interface SupervisorDeps {
  /** Takes one line for the person at the terminal. */
  readonly tell: (line: string) => void;
  /** Called when a service runs again, as another process. */
  readonly onRestart: () => void;
  /** Milliseconds before the first and before the slowest new start. */
  readonly pauses?: { readonly first: number; readonly longest: number };
}

export interface Supervisor {
  /** @throws what the service's first start fails with */
  start<R extends Running>(service: Service<R>): Promise<R>;
  /** 0 while it is down, or when it was never started. */
  pid(service: Service | undefined): number;
  /** A service that does not stay up: ended that often without a steady run in between. */
  failing(times: number): Service | undefined;
  /** Ends all services, those of the lowest stage first; those that are just starting, too. */
  stop(): Promise<void>;
}

const PAUSES = { first: 500, longest: 30_000 };
/** A run as long as this makes earlier failures forgotten. */
const STEADY_MS = 60_000;

interface Slot {
  readonly service: Service;
  running: Running | undefined;
  /** Ends a while after `stop` began. */
  keeping: Promise<unknown>;
  failures: number;
}

export function createSupervisor({ tell, onRestart, pauses = PAUSES }: SupervisorDeps): Supervisor {
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
        if (performance.now() - startedAt > STEADY_MS) slot.failures = 0;
        tell(`${service.name} ${how} (log: ${service.logFile})`);
      }
      const pause = Math.min(pauses.longest, pauses.first * 2 ** slot.failures);
      slot.failures += 1;
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      startedAt = performance.now();
      slot.running = await service.start().catch((error: unknown) => {
        tell(`${service.name} does not start: ${(error as Error).message}`);
        return undefined;
      });
      if (slot.running === undefined) continue;
      tell(`${service.name} runs again`);
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
