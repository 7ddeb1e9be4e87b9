/** The access of an account or a user in one word: its state, and its role. */
import type { Mood } from '../elements/mood.ts';

export function accessOf({ state }: { readonly state: string }): {
  readonly mood: Mood;
  readonly word: string;
} {
  if (state === 'enabled') return { mood: 'good', word: 'Enabled' };
  return state === 'locked' ? { mood: 'waiting', word: 'Locked' } : { mood: 'leaving', word: 'Disabled' };
}

export const roleOf = ({ accounttype }: { readonly accounttype: number }): string =>
  accounttype === 1 ? 'administrator' : 'user';
