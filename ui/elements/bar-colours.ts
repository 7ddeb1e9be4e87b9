import type { Mood } from './mood.ts';

/** Colours of progress bars. See colours.ts: bars contrast with their background in both themes. */
export const BAR_COLOURS = {
  good: 'var(--bar-good)',
  bad: 'var(--bar-bad)',
  waiting: 'var(--bar-waiting)',
  busy: 'var(--bar-busy)',
  idle: 'var(--bar-busy)',
  leaving: 'var(--bar-busy)',
} as const satisfies Record<Mood, string>;
