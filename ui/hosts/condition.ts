/** The condition of a host in one word. */
import type { Host } from '../../model/api-answers.ts';
import type { Mood } from '../elements/mood.ts';

export function conditionOf({ state, resourcestate, problem }: Host): {
  readonly mood: Mood;
  readonly word: string;
} {
  if (resourcestate === 'Disabled') return { mood: 'waiting', word: 'Not approved' };
  if (state === 'Down') return { mood: 'bad', word: 'Down' };
  if (resourcestate === 'Maintenance') return { mood: 'idle', word: 'Maintenance' };
  return problem === undefined
    ? { mood: 'good', word: 'Up' }
    : { mood: 'waiting', word: 'Up, with problems' };
}
