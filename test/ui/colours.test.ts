/** Text has enough contrast with its background, in both themes and on hover. */
import { createTheme, DEFAULT_THEME, defaultCssVariablesResolver, mergeMantineTheme } from '@mantine/core';
import { COLOURS, PRIMARY } from '../../ui/colours.ts';

const HUES = ['cyan', 'teal', 'red', 'orange'] as const;
const THEMES = ['light', 'dark'] as const;
type Theme = (typeof THEMES)[number];
type Rgb = readonly [number, number, number];

const made = defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, createTheme(PRIMARY)));
const variables: Readonly<Record<Theme, Readonly<Record<string, string>>>> = {
  light: { ...made.variables, ...made.light, ...COLOURS.light },
  dark: { ...made.variables, ...made.dark, ...COLOURS.dark },
};

/** Text colours and their backgrounds. */
const TEXTS: readonly (readonly [string, string])[] = [
  ...HUES.flatMap((hue) => [['white', `${hue}-filled`] as const, ['white', `${hue}-filled-hover`] as const]),
  ...[...HUES, 'gray'].flatMap((hue) => [
    [`${hue}-light-color`, `${hue}-light`] as const,
    [`${hue}-light-color`, `${hue}-light-hover`] as const,
  ]),
  ['default-color', 'default'],
  ['default-color', 'default-hover'],
  ...['error', 'placeholder'].map((text) => [text, 'body'] as const),
  ...['dimmed', 'anchor', 'text'].flatMap((text) =>
    ['body', 'orange-light', 'red-light', 'default-hover'].map((ground) => [text, ground] as const),
  ),
];

test.each(THEMES)('text has a contrast of 4.5 and more, %s', (theme) => {
  const colour = (name: string): Rgb => rgb(theme, `var(--mantine-color-${name})`);
  const weak = TEXTS.map(([text, ground]) => ({
    text,
    ground,
    ratio: contrast(colour(text), colour(ground)),
  })).filter(({ ratio }) => ratio < 4.5);
  expect(weak).toEqual([]);
});

test.each(THEMES)('bars have a contrast of 3 and more, %s', (theme) => {
  const ground = rgb(theme, 'var(--mantine-color-body)');
  const weak = ['busy', 'good', 'waiting', 'bad'].filter(
    (bar) => contrast(rgb(theme, `var(--bar-${bar})`), ground) < 3,
  );
  expect(weak).toEqual([]);
});

function rgb(theme: Theme, value: string): Rgb {
  const [, name] = /^var\((--[\w-]+)\)$/.exec(value) ?? [];
  if (name !== undefined) return rgb(theme, variables[theme][name] ?? `nothing is called ${name}`);
  const [, red, green, blue] = /^rgba\((\d+), (\d+), (\d+), 1\)$/.exec(value) ?? [];
  if (red !== undefined) return [Number(red), Number(green), Number(blue)];
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(value)?.[1];
  if (digits === undefined) throw new Error(`no colour: ${value}`);
  const whole = digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits;
  return [0, 2, 4].map((at) => Number.parseInt(whole.slice(at, at + 2), 16)) as unknown as Rgb;
}

/** Contrast ratio of two relative luminances, by WCAG 2.2. */
function contrast(one: Rgb, other: Rgb): number {
  const [more = 0, less = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (more + 0.05) / (less + 0.05);
}

function luminance(colour: Rgb): number {
  const [red = 0, green = 0, blue = 0] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
