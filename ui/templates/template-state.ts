/** The state of a template in one word: its registration first, then its copies. */
import type { Template } from '../../model/api-answers.ts';
import type { Mood } from '../elements/mood.ts';

/** Whether the registration failed, with a reason of the api. */
export const isBeingChecked = ({ isready, status }: Template): boolean => !isready && status !== undefined;

export function templateState(template: Template): { readonly mood: Mood; readonly word: string } {
  const states = (template.downloaddetails ?? []).map(({ downloadState }) => downloadState);
  if (isBeingChecked(template)) return { mood: 'busy', word: 'Being checked' };
  if (!template.isready) return { mood: 'idle', word: 'Not ready' };
  if (states.includes('DOWNLOAD_IN_PROGRESS')) return { mood: 'busy', word: 'On its way' };
  if (states.includes('DOWNLOAD_ERROR')) return { mood: 'bad', word: 'Failed on a pool' };
  if (states.includes('DOWNLOADED')) return { mood: 'good', word: 'Ready' };
  return { mood: 'idle', word: 'Registered' };
}
