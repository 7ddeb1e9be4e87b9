/**
 * The parameters that commands accept: one description each, from which reading, checking and `listApis` all come. They are
 * not read by zod; CONTRIBUTING.md says why.
 */
import { hasControlCharacter } from '../../model/control-characters.ts';
import { type ApiError, badParameter } from '../server/errors.ts';
import type { SentParameters } from '../server/request.ts';

/** As `listApis` names them. */
export type ParameterType = 'string' | 'uuid' | 'boolean' | 'integer' | 'list' | 'map' | 'date';

export interface Parameter<T, R extends boolean = boolean> {
  readonly type: ParameterType;
  readonly description: string;
  readonly required: R;
  /** Whether an empty value has a meaning. Default: false; then it is refused. */
  readonly mayBeEmpty?: boolean;
  /** Maximum length of the value in characters. */
  readonly length: number;
  /** All values that it can have. */
  readonly words?: readonly string[];
  /** Bounds of a number, both included. */
  readonly range?: { readonly min: number; readonly max: number };
  /** @throws ApiError that names the parameter and says what would be right */
  readonly read: (name: string, sent: SentParameters) => T | undefined;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

/** The values of a command's parameters, as its code reads them. */
export type ParameterValues<P extends Parameters> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T, infer R>
    ? R extends true
      ? T
      : T | undefined
    : never;
};

const DEFAULT_LENGTH = 255;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const isUuid = (text: string): boolean => UUID.test(text);

/** Makes a parameter required, and not empty. */
export const required = <T>(parameter: Parameter<T>): Parameter<T, true> => ({
  ...filled(parameter),
  required: true,
});

/** Makes a parameter required that may be empty. */
export const requiredOrEmpty = <T>(parameter: Parameter<T>): Parameter<T, true> => ({
  ...parameter,
  required: true,
});

/** A text or a list that is refused when it is empty. */
export const filled = <T, R extends boolean>(parameter: Parameter<T, R>): Parameter<T, R> => ({
  ...parameter,
  mayBeEmpty: false,
  read(name, sent) {
    if (sent.get(name) === '') throw emptyParameter(name, parameter.description);
    return parameter.read(name, sent);
  },
});

const emptyParameter = (name: string, description: string): ApiError =>
  badParameter(name, `is empty; give ${description}.`);

/** An empty value removes the present one. */
export const orNull = (given: string | undefined): string | null | undefined => (given === '' ? null : given);

/** A parameter of one value that is not empty. @param parse gets the name for its errors */
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
    read(name, sent) {
      const value = sent.get(name);
      if (value === undefined) return undefined;
      if (value === '') throw emptyParameter(name, `${description}, or leave it out`);
      if (value.length > length) {
        throw badParameter(name, `is ${value.length} characters long; at most ${length} are taken.`);
      }
      if (hasControlCharacter(value)) throw badParameter(name, 'has a control character; give plain text.');
      return parse(value, name);
    },
  };
}

/** A parameter whose empty value means `empty`. */
const emptyMeans = <T>(parameter: Parameter<T, false>, empty: T): Parameter<T, false> => ({
  ...parameter,
  mayBeEmpty: true,
  read: (name, sent) => (sent.get(name) === '' ? empty : parameter.read(name, sent)),
});

/** Any text. An empty one removes the present value; as a filter, it finds empty values. */
export const text = (description: string, length?: number): Parameter<string, false> =>
  emptyMeans(
    scalar('string', description, (value) => value, length),
    '',
  );

/** One line that is not blank. */
export const name = (description: string): Parameter<string, false> =>
  scalar('string', description, (value, parameter) => {
    if (value.trim() === '' || /[\r\n\t]/.test(value)) {
      throw badParameter(parameter, 'must be one line of text that is not blank.');
    }
    return value.trim();
  });

/**
 * A parameter of CloudStack that Bypass cannot honour: it is refused, not ignored.
 * @param why such as `zones have no networks here`
 * @param harmless the one value that is accepted, since it changes nothing
 */
export const refused = (why: string, harmless?: string): Parameter<string, false> =>
  scalar(
    'string',
    `not taken${harmless === undefined ? '' : `, but as ${harmless}`}: ${why}`,
    (value, parameter) => {
      if (value.toLowerCase() === harmless) return value;
      throw badParameter(parameter, `is not taken: ${why}; leave it out.`);
    },
  );

/** An id, of any form: the command finds out whether there is something with this id. */
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

/** One of these words, in any case. */
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

/** Items separated by commas; an empty value is an empty list. @param length of all of them, in characters */
export const list = (description: string, length = MAX_LIST_LENGTH): Parameter<readonly string[], false> =>
  emptyMeans(
    scalar(
      'list',
      description,
      (value) => [...new Set(value.split(',').map((item) => item.trim()))].filter((item) => item !== ''),
      length,
    ),
    [],
  );

const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** A day or a time; UTC unless it names a time zone. */
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

const MAP_NAME = /^[^[.]+\[(\d{1,4})\]\.(.+)$/;
const isOfMap = (parameter: string, sentName: string): boolean =>
  sentName.toLowerCase().split(/[.[]/, 1)[0] === parameter.toLowerCase();
/** The names of the two parts of a pair. */
type PairNames = readonly [key: string, value: string];

/**
 * `NAME[0].key=value` at every index. Also `NAME[0].key=KEY` with `NAME[0].value=VALUE`, as some clients send a pair.
 * @param pair other names for `key` and `value`, such as `service` and `provider`
 */
export const map = (
  description: string,
  pair: PairNames = ['key', 'value'],
): Parameter<readonly MapEntry[], false> => ({
  type: 'map',
  description,
  required: false,
  length: MAX_MAP_VALUE_LENGTH,
  read(parameter, sent) {
    const groups = new Map<string, MapEntry[]>();
    for (const [sentName, value] of sent.entries) {
      if (!isOfMap(parameter, sentName)) continue;
      const [, index = '', key = ''] = MAP_NAME.exec(sentName) ?? [];
      if (key === '')
        throw badParameter(parameter, `must be given as ${parameter}[0].key=value, not as '${sentName}'.`);
      checkEntry(parameter, key, value);
      groups.set(index, [...(groups.get(index) ?? []), { key, value }]);
    }
    const entries = [...groups.values()].flatMap((group) => asPair(group, pair));
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
  if (hasControlCharacter(value))
    throw badParameter(parameter, `has a control character in the value of ${key}.`);
}

function asPair(entries: readonly MapEntry[], [keyName, valueName]: PairNames): readonly MapEntry[] {
  const key = entries.find((entry) => entry.key === keyName)?.value;
  const value = entries.find((entry) => entry.key === valueName)?.value;
  return entries.length === 2 && key !== undefined && key !== '' && value !== undefined
    ? [{ key, value }]
    : entries;
}

/** A group of keys at one index: `NAME[0].a=1&NAME[0].b=2` is one, with lower-case keys. */
export type MapGroup = ReadonlyMap<string, string>;

/** Maps of which each index is one thing, in the order of the indices. */
export const groups = (description: string): Parameter<readonly MapGroup[], false> => ({
  ...map(description),
  read(parameter, sent) {
    const indexed = new Map<number, Map<string, string>>();
    // Checks names and values.
    if (map(description).read(parameter, sent) === undefined) return undefined;
    for (const [sentName, value] of sent.entries) {
      if (!isOfMap(parameter, sentName)) continue;
      const [, index = '', key = ''] = MAP_NAME.exec(sentName) ?? [];
      const group = indexed.get(Number(index)) ?? new Map<string, string>();
      indexed.set(Number(index), group.set(key.toLowerCase(), value));
    }
    return [...indexed.entries()].toSorted(([one], [other]) => one - other).map(([, group]) => group);
  },
});
