/** The parameters that commands take: one description each, from which reading, checking and `listApis` all come. */
import { badParameter } from './errors.ts';
import type { Given } from './request.ts';

/** As `listApis` names them. */
export type ParameterType = 'string' | 'uuid' | 'boolean' | 'integer' | 'list' | 'map' | 'date';

export interface Parameter<T, R extends boolean = boolean> {
  readonly type: ParameterType;
  readonly description: string;
  readonly required: R;
  /** Longest value in characters. */
  readonly length: number;
  /** Where it is one of some words. */
  readonly words?: readonly string[];
  /** Where it is a number. */
  readonly range?: { readonly min: number; readonly max: number };
  /** @throws ApiError that names the parameter and says what would be right */
  readonly read: (name: string, given: Given) => T | undefined;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

export type Values<P extends Parameters> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T, infer R>
    ? R extends true
      ? T
      : T | undefined
    : never;
};

const DEFAULT_LENGTH = 255;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Line breaks and tabs are text; other control characters (NUL among them) are not. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

export const isUuid = (text: string): boolean => UUID.test(text);

/** Makes a parameter required. */
export const required = <T>(parameter: Parameter<T>): Parameter<T, true> => ({
  ...parameter,
  required: true,
});

/** A parameter of one value. @param parse gets the name for its errors */
function scalar<T>(
  type: ParameterType,
  description: string,
  parse: (text: string, name: string) => T,
  length = DEFAULT_LENGTH,
): Parameter<T, false> {
  return {
    type,
    description,
    required: false,
    length,
    read(name, given) {
      const value = given.get(name);
      if (value === undefined) return undefined;
      if (value.length > length) {
        throw badParameter(name, `is ${value.length} characters long; at most ${length} are taken.`);
      }
      if (CONTROL.test(value)) throw badParameter(name, 'has a control character; give plain text.');
      return parse(value, name);
    },
  };
}

export const text = (description: string, length?: number): Parameter<string, false> =>
  scalar('string', description, (value) => value, length);

/** One line that is not blank. */
export const name = (description: string): Parameter<string, false> =>
  scalar('string', description, (value, parameter) => {
    if (value.trim() === '' || /[\r\n\t]/.test(value)) {
      throw badParameter(parameter, 'must be one line of text that is not blank.');
    }
    return value.trim();
  });

/** An id. Whether there is such a thing is for the command to say; what cannot be an id is nothing's. */
export const id = (description: string): Parameter<string, false> =>
  scalar('uuid', description, (value) => value);

export const flag = (description: string): Parameter<boolean, false> =>
  scalar('boolean', description, (value, parameter) => {
    const word = value.toLowerCase();
    if (word === 'true' || word === 'false') return word === 'true';
    throw badParameter(parameter, `is '${value}'; give true or false.`);
  });

export const integer = (
  description: string,
  { min = 0, max = 2 ** 31 - 1 }: { readonly min?: number; readonly max?: number } = {},
): Parameter<number, false> => ({
  ...scalar('integer', description, (value, parameter) => {
    const number = Number(value);
    if (/^-?\d{1,10}$/.test(value) && number >= min && number <= max) return number;
    throw badParameter(parameter, `is '${value}'; give a whole number from ${min} to ${max}.`);
  }),
  range: { min, max },
});

/** One of some words, in any case. */
export const choice = <const W extends readonly string[]>(
  description: string,
  words: W,
): Parameter<W[number], false> => ({
  ...scalar('string', description, (value, parameter) => {
    const word = words.find((known) => known.toLowerCase() === value.toLowerCase());
    if (word !== undefined) return word;
    throw badParameter(parameter, `is '${value}'; give one of ${words.join(', ')}.`);
  }),
  words,
});

const MAX_LIST_LENGTH = 20_000;

export const list = (description: string): Parameter<readonly string[], false> =>
  scalar(
    'list',
    description,
    (value) => [...new Set(value.split(',').map((item) => item.trim()))].filter((item) => item !== ''),
    MAX_LIST_LENGTH,
  );

const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** A day or a moment; UTC where it names no zone. */
export const date = (description: string): Parameter<Date, false> =>
  scalar('date', description, (value, parameter) => {
    const whole = value.length === 10 ? `${value}T00:00:00` : value.replace(' ', 'T');
    const zoned = /(?:Z|[+-]\d\d:?\d\d)$/.test(whole) ? whole : `${whole}Z`;
    const time = new Date(zoned.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
    if (DATE.test(value) && !Number.isNaN(time.getTime())) return time;
    throw badParameter(
      parameter,
      `is '${value}'; give a date such as 2026-01-31 or 2026-01-31T08:00:00+0000.`,
    );
  });

/** One key of a map parameter: `details[0].KEY=VALUE`. */
export interface MapEntry {
  readonly key: string;
  readonly value: string;
}

const MAX_MAP_ENTRIES = 100;
const MAX_MAP_VALUE_LENGTH = 8_192;

/**
 * `NAME[0].key=value` at every index. Also `NAME[0].key=KEY` with `NAME[0].value=VALUE`, as some clients send a pair.
 */
export const map = (description: string): Parameter<readonly MapEntry[], false> => ({
  type: 'map',
  description,
  required: false,
  length: MAX_MAP_VALUE_LENGTH,
  read(parameter, given) {
    const prefix = parameter.toLowerCase();
    const groups = new Map<string, MapEntry[]>();
    for (const [sent, value] of given.entries) {
      const [head = ''] = sent.toLowerCase().split(/[.[]/, 1);
      if (head !== prefix) continue;
      const [, index = '', key = ''] = /^[^[.]+\[(\d{1,4})\]\.(.+)$/.exec(sent) ?? [];
      if (key === '')
        throw badParameter(parameter, `must be given as ${parameter}[0].key=value, not as '${sent}'.`);
      checkEntry(parameter, key, value);
      groups.set(index, [...(groups.get(index) ?? []), { key, value }]);
    }
    const entries = [...groups.values()].flatMap(asPair);
    if (entries.length > MAX_MAP_ENTRIES) {
      throw badParameter(parameter, `has ${entries.length} entries; at most ${MAX_MAP_ENTRIES} are taken.`);
    }
    return entries.length === 0 ? undefined : entries;
  },
});

function checkEntry(parameter: string, key: string, value: string): void {
  if (key.length > DEFAULT_LENGTH) {
    throw badParameter(
      parameter,
      `has a key of ${key.length} characters; at most ${DEFAULT_LENGTH} are taken.`,
    );
  }
  if (value.length > MAX_MAP_VALUE_LENGTH) {
    throw badParameter(
      parameter,
      `has a value of ${value.length} characters for ${key}; at most ${MAX_MAP_VALUE_LENGTH} are taken.`,
    );
  }
  if (CONTROL.test(value)) throw badParameter(parameter, `has a control character in the value of ${key}.`);
}

function asPair(entries: readonly MapEntry[]): readonly MapEntry[] {
  const key = entries.find((entry) => entry.key === 'key')?.value;
  const value = entries.find((entry) => entry.key === 'value')?.value;
  return entries.length === 2 && key !== undefined && key !== '' && value !== undefined
    ? [{ key, value }]
    : entries;
}
