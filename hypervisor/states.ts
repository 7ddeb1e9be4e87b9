/** States of domains, as libvirt numbers them (virDomainState and its reasons), and as Bypass names them. */
import type { DomainState } from '../model/vms.ts';
import type { Virsh, VirshCall } from './virsh.ts';
import { isAbsent } from './errors.ts';

const STATES: Readonly<Record<number, DomainState>> = {
  1: 'running',
  2: 'running',
  3: 'paused',
  4: 'shutdown',
  5: 'shutoff',
  6: 'crashed',
  7: 'paused',
};

/** As `virsh domstate` writes them. */
const WORDS: Readonly<Record<string, DomainState>> = {
  running: 'running',
  idle: 'running',
  paused: 'paused',
  'in shutdown': 'shutdown',
  'shut off': 'shutoff',
  crashed: 'crashed',
  pmsuspended: 'paused',
};

const PAUSED_BY_ERROR = 5;
const SHUTOFF_CRASHED = 3;

export interface FoundState {
  readonly state: DomainState;
  /** Why it is paused or gone, where that is no ordinary thing. */
  readonly why?: 'io error' | 'failed to start' | 'paused by hand' | 'watchdog';
}

const PAUSED_WHY: Readonly<Record<number, FoundState['why']>> = {
  1: 'paused by hand',
  [PAUSED_BY_ERROR]: 'io error',
  6: 'watchdog',
};

/** A domain that crashed is off, with that as the reason. */
export function stateOf(state: number, reason: number): FoundState {
  const found = STATES[state] ?? 'paused';
  if (found === 'shutoff' && reason === SHUTOFF_CRASHED) return { state: 'crashed' };
  const why = found === 'paused' ? PAUSED_WHY[reason] : undefined;
  return { state: found, ...(why === undefined ? {} : { why }) };
}

/** Whether its guest exists: it runs, or could go on. */
export const isActive = (state: DomainState): boolean =>
  state === 'running' || state === 'paused' || state === 'shutdown';

/** The command that asks for the state of a domain. */
export const askState = (vmId: string): readonly string[] => ['domstate', vmId, '--reason'];

/** @param said what the command wrote */
export function stateFrom(said: string): DomainState {
  const [words = '', reason = ''] = said.trim().split(/ \(|\)/);
  const state = WORDS[words.trim()] ?? 'paused';
  return state === 'shutoff' && reason === 'crashed' ? 'crashed' : state;
}

/** @throws ImageError when libvirt does not answer */
export async function domainState(virsh: Virsh, vmId: string, call?: VirshCall): Promise<DomainState> {
  try {
    return stateFrom(await virsh.run(askState(vmId), call));
  } catch (error) {
    if (isAbsent(error)) return 'absent';
    throw error;
  }
}
