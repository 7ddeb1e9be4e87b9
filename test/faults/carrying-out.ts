/** Carries out the faults of a schedule at their times, and mends them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../platform/errno.ts';
import type { Fleet } from './fleet.ts';
import type { FleetHost } from './fleet-host.ts';
import type { Findings } from './findings.ts';
import type { Form } from './forms.ts';
import type { FaultKind, PlannedFault } from './schedule.ts';

/** A fault as it was: milliseconds since the epoch. */
export interface Happened {
  readonly kind: FaultKind;
  readonly host: number;
  readonly from: number;
  readonly to: number;
  /** Seconds by which the host's clock was ahead. */
  readonly shift?: number;
}

type Mend = () => unknown;

/** Mbit/s of an origin that is slow, for all hosts together. */
const SLOW_MBIT = 1;

/** @returns the faults that happened, once all of them are mended */
export async function carryOut(
  plan: readonly PlannedFault[],
  fleet: Fleet,
  form: Form,
  findings: Findings,
): Promise<readonly Happened[]> {
  const start = performance.now();
  return Promise.all(
    plan.map(async (fault): Promise<Happened> => {
      await sleep(Math.max(0, fault.atMs - (performance.now() - start)));
      const { kind, host, lastsMs, wrong, shift } = fault;
      const what = [kind, onHost(fault, fleet), wrong, shift].filter((one) => one !== undefined).join(', ');
      const from = Date.now();
      findings.log(`${what}, for ${lastsMs} ms`);
      const mend = await begin(fault, fleet, form);
      await sleep(lastsMs);
      await mend();
      if (lastsMs > 0) findings.log(`${what}: over`);
      return { kind, host, from, to: Date.now(), ...(shift === undefined ? {} : { shift }) };
    }),
  );
}

const onHost = ({ kind, host }: PlannedFault, { hosts }: Fleet): string | undefined =>
  kind.startsWith('host') || kind === 'disk full' || kind === 'clock shifted' ? hosts[host]?.name : undefined;

async function begin(fault: PlannedFault, fleet: Fleet, form: Form): Promise<Mend> {
  const { origin, lab } = fleet;
  const host = fleet.hosts[fault.host] as FleetHost;
  switch (fault.kind) {
    case 'host killed':
      await host.kill();
      return () => host.start();
    case 'host suspended':
      host.suspend();
      return () => host.resume();
    case 'host cut off from sources':
      await host.place.setLink(false);
      return () => host.place.setLink(true);
    case 'host cut off from Temporal':
      await host.place.setControlLink(false);
      return () => host.place.setControlLink(true);
    case 'host cut off':
      await Promise.all([host.place.setLink(false), host.place.setControlLink(false)]);
      return () => Promise.all([host.place.setLink(true), host.place.setControlLink(true)]);
    case 'clock shifted':
      await host.shiftClock(fault.shift ?? 0);
      return () => host.shiftClock(0);
    case 'disk full':
      await host.setFull(true);
      return () => host.setFull(false);
    case 'origin slow':
      await origin.link.setRate(SLOW_MBIT);
      return () => origin.link.setRate(form.originMbit);
    case 'origin wrong':
      origin.setWrong(fault.wrong);
      return () => origin.setWrong(undefined);
    case 'origin gone':
      await origin.link.setLink(false);
      return () => origin.link.setLink(true);
    default: {
      const { temporal, postgres, control, api } = lab.pids();
      const pids = {
        'Temporal killed': temporal,
        'PostgreSQL killed': postgres,
        'control worker killed': control,
        'api killed': api,
      };
      killIfThere(pids[fault.kind]);
      return () => undefined;
    }
  }
}

/** The supervisor of `npm start` starts it again. */
function killIfThere(pid: number): void {
  if (pid === 0) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // An earlier fault has taken it along, and it is not back yet.
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
