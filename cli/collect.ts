/** Parses an option that may be repeated. */
export const collect = (value: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  value,
];

/** Parses an option that may be repeated, and whose values may be lists with commas. */
export const collectList = (value: string, previous: readonly string[] | undefined): readonly string[] =>
  value
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .reduce<readonly string[]>((all, one) => collect(one, all), previous ?? []);
