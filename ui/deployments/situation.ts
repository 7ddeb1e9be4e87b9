/** Describes the present activity of a deployment. */
import type { Deployment } from '../../model/api-answers.ts';
import type { Mood } from '../elements/mood.ts';

export interface Situation {
  readonly mood: Mood;
  readonly word: string;
  readonly isRunning: boolean;
}

const PHASES: Readonly<Record<string, string>> = {
  waiting: 'Queued on its host',
  connecting: 'Connecting',
  reusing: 'Reusing kept bytes',
  downloading: 'Downloading',
  inflating: 'Unpacking',
  verifying: 'Verifying',
  publishing: 'Publishing',
};

export function situationOf(deployment: Deployment): Situation {
  const { state, phase, waitreason, cancelledby, error } = deployment;
  if (state === 'Ready' && error !== undefined) return { mood: 'bad', word: 'Damaged', isRunning: false };
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

/** Remaining seconds at the present rate. */
export function secondsLeft({ bytes, total, rate = 0 }: Deployment): number | undefined {
  return rate > 0 && total > bytes ? (total - bytes) / rate : undefined;
}

/** Bytes kept of a cancelled deployment, from which the next attempt continues. */
export const keptBytes = ({ state, bytes }: Deployment): number => (state === 'Allocated' ? bytes : 0);
