/** Describes each field of an answer once; the answer, its documentation and its types are made from this description. */
import type { User } from '../../db/accounts/accounts.ts';

/** The types as `listApis` names them. */
export type FieldType = 'string' | 'integer' | 'long' | 'boolean' | 'date' | 'list' | 'map';

export type FieldDocs = Readonly<Record<string, FieldDoc>>;

export interface FieldDoc {
  readonly type: FieldType;
  readonly description: string;
  /** True when an answer may lack the field. */
  readonly optional?: true;
  /** Of a text: all values that it can have. */
  readonly words?: readonly string[];
  /** Of a list or a map: the fields of each entry, or of the map. Without them, entries and values are texts. */
  readonly fields?: FieldDocs;
}

export interface AnswerField<T> extends FieldDoc {
  /** Null or undefined leaves the field out. @param caller decides which fields are left out */
  readonly value: (row: T, caller: User) => unknown;
}

/** The fields of an object in an answer, by their names. */
export type Shape<T> = Readonly<Record<string, AnswerField<T>>>;

type Nothing = null | undefined;
type Getter<T, V> = (row: T, caller: User) => V;

const field =
  <V>(type: FieldType) =>
  <T>(description: string, value: Getter<T, V>): AnswerField<T> => ({ type, description, value });

const optionalField =
  <V>(type: FieldType) =>
  <T>(description: string, value: Getter<T, V | Nothing>): AnswerField<T> => ({
    type,
    description,
    optional: true,
    value,
  });

export const string = field<string>('string');
export const integer = field<number>('integer');
export const long = field<number>('long');
export const boolean = field<boolean>('boolean');
/** A list of texts. */
export const list = field<readonly string[]>('list');

export const date = <T>(description: string, value: Getter<T, Date>): AnswerField<T> => ({
  type: 'date',
  description,
  value: (row, caller) => formatDate(value(row, caller)),
});

/** A text that is one of `words`. */
export const oneOf = <const W extends readonly string[], T>(
  words: W,
  description: string,
  value: Getter<T, W[number]>,
): AnswerField<T> => ({ type: 'string', description, words, value });

/** A list of objects of one shape. */
export const listOf = <R, T>(
  fields: Shape<R>,
  description: string,
  value: Getter<T, readonly R[]>,
): AnswerField<T> => ({
  type: 'list',
  description,
  fields,
  value: (row, caller) => value(row, caller).map((one) => render(fields, one, caller)),
});

/** Fields that an answer may lack. */
export const optional = {
  string: optionalField<string>('string'),
  integer: optionalField<number>('integer'),
  long: optionalField<number>('long'),
  boolean: optionalField<boolean>('boolean'),
  list: optionalField<readonly string[]>('list'),
  /** @param fields the fields of the map. Default: any names, with texts as values */
  map: <T>(
    description: string,
    value: Getter<T, Readonly<Record<string, unknown>> | Nothing>,
    fields?: FieldDocs,
  ): AnswerField<T> => ({
    type: 'map',
    description,
    optional: true,
    value,
    ...(fields === undefined ? {} : { fields }),
  }),
  date: <T>(description: string, value: Getter<T, Date | Nothing>): AnswerField<T> => ({
    type: 'date',
    description,
    optional: true,
    value(row, caller) {
      const time = value(row, caller);
      return time == null ? undefined : formatDate(time);
    },
  }),
  oneOf: <const W extends readonly string[], T>(
    words: W,
    description: string,
    value: Getter<T, W[number] | Nothing>,
  ): AnswerField<T> => ({ type: 'string', description, optional: true, words, value }),
  listOf: <R, T>(
    fields: Shape<R>,
    description: string,
    value: Getter<T, readonly R[] | Nothing>,
  ): AnswerField<T> => ({
    type: 'list',
    description,
    optional: true,
    fields,
    value: (row, caller) => value(row, caller)?.map((one) => render(fields, one, caller)),
  }),
} as const;

/** A field that only administrators see. */
export const forAdmins = <T>(shown: AnswerField<T>): AnswerField<T> => ({
  ...shown,
  optional: true,
  value: (row, caller) => (caller.role === 'admin' ? shown.value(row, caller) : undefined),
});

/** `2021-10-04T08:41:23+0000` */
export const formatDate = (time: Date): string =>
  `${time.toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length)}+0000`;

export type Answer = Readonly<Record<string, unknown>>;

export function render<T>(shape: Shape<T>, row: T, caller: User): Answer {
  return Object.fromEntries(
    Object.entries(shape)
      .map(([name, { value }]) => [name, value(row, caller)] as const)
      .filter(([, value]) => value !== undefined && value !== null),
  );
}

/** A list as CloudStack answers it: `{}` for an empty list, and only the count for a page past the last. */
export function answerList<T>(
  key: string,
  shape: Shape<T>,
  { count, rows }: { readonly count: number; readonly rows: readonly T[] },
  caller: User,
): Answer {
  return {
    ...(count > 0 ? { count } : {}),
    ...(rows.length > 0 ? { [key]: rows.map((row) => render(shape, row, caller)) } : {}),
  };
}

export const SUCCESS: Shape<{ readonly text?: string }> = {
  success: boolean('whether it was done', () => true),
  displaytext: optional.string('what was done', ({ text }) => text),
};

export const JOB: Shape<{ readonly jobid: string }> = {
  jobid: string('the id of the job; queryAsyncJobResult tells how it goes', ({ jobid }) => jobid),
};

/** One object under its key: the first of `rows`. */
export const answerOne = <T>(key: string, shape: Shape<T>, rows: readonly T[], caller: User): Answer => ({
  [key]: rows.slice(0, 1).map((row) => render(shape, row, caller))[0],
});
