/**
 * How what comes in is read: a message that crossed a queue, a file, a column of JSON. The other side may be one release older or newer: fields that are not
 * known are left as they are, optional ones may be absent, and what only informs is dropped when it makes no sense. What
 * decides something must be there and make sense, or the message cannot be read.
 *
 * Types stand in model/payloads.ts with their comments; a schema that lacks a field of its type does not compile.
 */
import * as z from 'zod/mini';

/** Compiled parsers pay when one is used many times: a workflow reads a handful of messages. */
z.config({ jitless: true });

export type Schema<T> = z.ZodMiniType<T>;

/**
 * The same schema, as a function. What the runs of a control worker share is frozen (workflows/shared.ts), with all that can be
 * reached from it, but not what a function holds; and a schema finds out some things about itself at its first use.
 */
export const opaque = <S extends z.ZodMiniType>(schema: S): S =>
  Object.assign(() => undefined, schema, { _zod: schema._zod });

type FieldSchema<T, K extends keyof T> =
  object extends Pick<T, K>
    ? z.ZodMiniType<T[K] | undefined> & { readonly _zod: { readonly optin: 'optional' | 'defaulted' } }
    : Schema<T[K]>;

/** A schema of each field of T; those of optional fields take their absence. */
type FieldsOf<T> = { readonly [K in keyof T]-?: FieldSchema<T, K> };

/** An object with these fields. @param checks of all of it */
export const message = <T extends object>(
  fields: FieldsOf<T>,
  ...checks: readonly z.core.$ZodCheck<T>[]
): Schema<T> => {
  const schema = z.object(fields) as unknown as Schema<T>;
  return opaque(checks.length === 0 ? schema : schema.check(...checks));
};

/** The same for what is handed on: fields that only a newer release knows stay. */
export const messageToHandOn = <T extends object>(fields: FieldsOf<T>): Schema<T> =>
  opaque(z.looseObject(fields)) as unknown as Schema<T>;

export type ReadResult<T> =
  | { readonly value: T; readonly problem?: undefined }
  /** Why it cannot be read: `size is missing`. */
  | { readonly value?: undefined; readonly problem: string };

export function read<T>(schema: Schema<T>, given: unknown): ReadResult<T> {
  const { data, error } = z.safeParse(schema, given, { error: sentence });
  if (error === undefined) return { value: data };
  const [issue] = error.issues;
  const name = issue?.path.map(String).join('.') ?? '';
  return { problem: `${name === '' ? 'it' : name} ${issue?.message}` };
}

/** The same for a text: of a file that may be absent, or of a column. */
export function readJson<T>(schema: Schema<T>, text: string | undefined): ReadResult<T> {
  let given: unknown;
  try {
    given = JSON.parse(text ?? 'null');
  } catch {
    return { problem: 'it is no JSON' };
  }
  return read(schema, given);
}

function sentence({ code, input, expected, values }: z.core.$ZodRawIssue): string {
  if (code === 'invalid_type') return input === undefined ? 'is missing' : `is no ${String(expected)}`;
  if (code === 'invalid_value' && Array.isArray(values)) return `is not one of ${values.join(', ')}`;
  if (code === 'too_big' || code === 'too_small') return 'is out of bounds';
  return 'is not right';
}

/** A rule of its own; the sentence goes on from the name of the field: `is no checksum`. */
export const rule = <T>(problemOf: (value: T) => string | undefined): z.core.$ZodCheck<T> =>
  z.superRefine<T>((value, context) => {
    const problem = problemOf(value);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, input: value });
  });

/** What is not understood is as if it were absent. */
export const ifUnderstood = <T>(schema: Schema<T>) => opaque(z.catch(z.optional(schema), undefined));

/** The entries that are understood. */
export const understood = <T>(schema: Schema<T>): Schema<readonly T[]> =>
  opaque(
    z.pipe(
      z.catch(z.array(z.unknown()), []),
      z.transform((given: unknown[]): readonly T[] =>
        given.flatMap((entry) => {
          const { value } = read(schema, entry);
          return value === undefined ? [] : [value];
        }),
      ),
    ),
  );

/** Every message has it, and nothing is decided by it: fields are only added. */
export const version = (): Schema<1> => opaque(z.catch(z.literal(1), 1));

/** PostgreSQL takes no NUL. */
export const text = (): Schema<string> =>
  z.string().check(z.overwrite((given) => given.replaceAll('\0', '')));

export const uuid = (): Schema<string> =>
  opaque(z.string().check(rule((given) => (UUID.test(given) ? undefined : 'is not a UUID in lower case'))));

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Bytes, counts, milliseconds. */
export const whole = (least = 0, most = Number.MAX_SAFE_INTEGER): Schema<number> =>
  z
    .number()
    .check(
      rule((given) =>
        Number.isSafeInteger(given) && given >= least && given <= most
          ? undefined
          : `is not a whole number from ${least} to ${most}`,
      ),
    );

export const moment = (): Schema<string> =>
  z.string().check(rule((given) => (Number.isNaN(Date.parse(given)) ? 'is no time' : undefined)));
