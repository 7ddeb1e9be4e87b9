/** What commands answer: one description of each field, from which the answer and its documentation both come. */
import type { User } from '../db/accounts.ts';

/** As `listApis` names them. */
export type FieldType = 'string' | 'integer' | 'long' | 'boolean' | 'date' | 'list' | 'map';

export interface FieldDoc {
  readonly type: FieldType;
  readonly description: string;
}

export interface Field<T> extends FieldDoc {
  /** Nothing leaves the field out. @param caller what he may not see is left out */
  readonly value: (row: T, caller: User) => unknown;
}

/** The fields of an answered object, by their names. */
export type Shape<T> = Readonly<Record<string, Field<T>>>;

type Nothing = null | undefined;
type Getter<T, V> = (row: T, caller: User) => V | Nothing;

const field =
  <V>(type: FieldType) =>
  <T>(description: string, value: Getter<T, V>): Field<T> => ({ type, description, value });

export const string = field<string>('string');
export const integer = field<number>('integer');
export const long = field<number>('long');
export const boolean = field<boolean>('boolean');
export const list = field<readonly unknown[]>('list');
export const map = field<Readonly<Record<string, unknown>>>('map');

export const date = <T>(description: string, value: Getter<T, Date>): Field<T> => ({
  type: 'date',
  description,
  value(row, caller) {
    const time = value(row, caller);
    return time == null ? undefined : formatDate(time);
  },
});

/** Shown to administrators only. */
export const forAdmins = <T>(shown: Field<T>): Field<T> => ({
  ...shown,
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

/** A list as CloudStack answers it: nothing at all when there is nothing, and only the count past the last page. */
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
  displaytext: string('what was done', ({ text }) => text),
};

export const JOB: Shape<{ readonly jobid: string }> = {
  jobid: string('the id of the job; queryAsyncJobResult tells how it goes', ({ jobid }) => jobid),
};

/** One object under its key; `rows` holds it. */
export const answerOne = <T>(key: string, shape: Shape<T>, rows: readonly T[], caller: User): Answer => ({
  [key]: rows.slice(0, 1).map((row) => render(shape, row, caller))[0],
});
