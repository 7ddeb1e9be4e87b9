/** How far the start of a machine is, as one number through the copy of its image, its disk and its boot. */
import type { VmPhase } from './vms.ts';

/** Percent of a start at which a phase begins. The copy takes the time: the rest is a matter of seconds. */
const BEGIN: Readonly<Record<VmPhase, number>> = {
  place: 0,
  copy: 0,
  disk: 90,
  seed: 93,
  define: 95,
  start: 97,
  boot: 99,
};

/** @param copied percent of the image that is there */
export const startPercent = (phase: VmPhase, copied: number): number =>
  phase === 'copy' ? Math.floor((copied * BEGIN.disk) / 100) : BEGIN[phase];
