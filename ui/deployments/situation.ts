/** What a deployment is doing, in words. */
import type { Deployment } from '../api/shapes.ts';
import type { Mood } from '../elements/state-badge.tsx';

export interface Situation {
  readonly mood: Mood;
  readonly word: string;
  readonly isRunning: boolean;
}

const PHASES: Readonly<Record<string, string>> = {
  waiting: 'Queued on its host',
  connecting: 'Connecting',
  reusing: 'Reading what is there',
  downloading: 'Downloading',
  inflating: 'Unpacking',
  verifying: 'Verifying',
  publishing: 'Publishing',
};

export function situationOf(deployment: Deployment): Situation {
  const { state, phase, waitreason, cancelledby } = deployment;
  if (state === 'Ready') return { mood: 'good', word: 'Ready', isRunning: false };
  if (state === 'Failed') return { mood: 'bad', word: 'Failed', isRunning: false };
  if (state === 'Destroying') return { mood: 'leaving', word: 'Removing', isRunning: true };
  if (waitreason !== undefined) return { mood: 'waiting', word: 'Waiting', isRunning: true };
  if (phase !== undefined) {
    const mood = phase === 'waiting' ? 'waiting' : 'busy';
    return { mood, word: PHASES[phase] ?? phase, isRunning: true };
  }
  if (state === 'Creating') return { mood: 'busy', word: 'Starting', isRunning: true };
  return { mood: 'idle', word: cancelledby === undefined ? 'Not there' : 'Cancelled', isRunning: false };
}

/** Seconds that are left at this rate. */
export function secondsLeft({ bytes, total, rate = 0 }: Deployment): number | undefined {
  return rate > 0 && total > bytes ? (total - bytes) / rate : undefined;
}
