/**
 * Replaces component colours whose contrast is too low. Text has a contrast of at least 4.5 with its background, also on
 * hover; bars have at least 3.
 */

/** Backgrounds that white text is readable on: the first normally, the second on hover. */
const FILLED = {
  '--mantine-color-cyan-filled-hover': '#096171',
  '--mantine-color-teal-filled-hover': '#066649',
  '--mantine-color-red-filled-hover': '#ab2424',
  '--mantine-color-orange-filled': '#b83d0d',
  '--mantine-color-orange-filled-hover': '#98320b',
} as const;

export const COLOURS = {
  light: {
    ...FILLED,
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
    '--mantine-color-teal-light-color': '#066649',
    '--mantine-color-red-light-color': '#ab2424',
    '--mantine-color-cyan-light-color': '#096171',
    '--mantine-color-orange-light-color': '#98320b',
    '--mantine-color-gray-light-color': 'var(--mantine-color-gray-8)',
    '--bar-busy': 'var(--mantine-color-cyan-9)',
    '--bar-good': 'var(--mantine-color-teal-9)',
    '--bar-waiting': 'var(--mantine-color-orange-8)',
    '--bar-bad': 'var(--mantine-color-red-8)',
  },
  dark: {
    ...FILLED,
    '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
    '--mantine-color-error': 'var(--mantine-color-red-4)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-1)',
    '--bar-busy': 'var(--mantine-color-cyan-5)',
    '--bar-good': 'var(--mantine-color-teal-5)',
    '--bar-waiting': 'var(--mantine-color-orange-5)',
    '--bar-bad': 'var(--mantine-color-red-5)',
  },
} as const;

/** The ninth shade of a colour, which contrasts with white in both themes. */
export const PRIMARY = { primaryColor: 'cyan', primaryShade: 9 } as const;
