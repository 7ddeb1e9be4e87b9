/** How a template is, in a word. */
import type { Template } from '../api/shapes.ts';
import type { Mood } from '../elements/state-badge.tsx';

export function templateState({ isready, status }: Template): { readonly mood: Mood; readonly word: string } {
  if (isready) return { mood: 'good', word: 'Registered' };
  return status === 'Processing'
    ? { mood: 'busy', word: 'Being checked' }
    : { mood: 'idle', word: 'Not ready' };
}
