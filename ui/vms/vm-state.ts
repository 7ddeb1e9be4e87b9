/** The state of a virtual machine, in words for people. */
import type { VirtualMachine } from '../../model/api-answers.ts';
import type { Mood } from '../elements/mood.ts';

export interface VmSituation {
  readonly mood: Mood;
  readonly word: string;
}

const PHASES: Readonly<Record<string, string>> = {
  place: 'Choosing a host',
  copy: 'Downloading its image',
  disk: 'Making its disk',
  seed: 'Making its first-boot data',
  define: 'Defining its domain',
  start: 'Starting',
  boot: 'Booting',
};

const MOODS: Readonly<Record<string, Mood>> = {
  Running: 'good',
  Stopped: 'idle',
  Starting: 'busy',
  Stopping: 'busy',
  Destroyed: 'leaving',
  Expunging: 'leaving',
  Error: 'bad',
  Unknown: 'bad',
};

export function situationOfVm({ state, phase, waitreason, error }: VirtualMachine): VmSituation {
  if (waitreason !== undefined) return { mood: 'waiting', word: 'Waiting' };
  if (phase !== undefined) return { mood: 'busy', word: PHASES[phase] ?? state };
  const isTroubled = state === 'Running' && error !== undefined;
  return { mood: isTroubled ? 'bad' : (MOODS[state] ?? 'idle'), word: state };
}

/** Whether its guest may write to the console. */
export const isAlive = ({ state }: VirtualMachine): boolean =>
  ['Starting', 'Running', 'Stopping'].includes(state);

/** Such as `2 CPUs, 4 GiB`. */
export function sizeOfVm({
  cpunumber,
  memory,
}: {
  readonly cpunumber?: number;
  readonly memory?: number;
}): string {
  if (cpunumber === undefined || memory === undefined) return 'chosen by you';
  // Without a break between number and unit.
  const size = memory >= 1024 ? `${memory / 1024}\u00A0GiB` : `${memory}\u00A0MiB`;
  return `${cpunumber}\u00A0${cpunumber === 1 ? 'CPU' : 'CPUs'}, ${size}`;
}
