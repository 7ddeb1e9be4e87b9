/**
 * Where the colours of the components are too weak: text keeps a contrast of 4.5 and more on its ground, also where the
 * mouse rests on it, and bars stand out from theirs.
 */

/** White on the first is read, and on the second, which the mouse makes of it. */
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

/** Its ninth shade, of which white is told in both themes. */
export const PRIMARY = { primaryColor: 'cyan', primaryShade: 9 } as const;
