/** Distributes a refusal of the api to the fields of a form. */
import { parameterOf } from '../api/client.ts';

export interface Refusal<Field extends string = string> {
  readonly error: Error | null;
  /** Messages by field. */
  readonly of: (field: Field) => string | undefined;
  /** The message when no field is concerned. */
  readonly rest: Error | null;
}

/** @param fields names of the form's fields, which are those of the command's parameters */
export function refusalOf<Field extends string>(
  error: Error | null,
  fields: readonly Field[],
  fieldOf: (error: Error) => string | undefined = parameterOf,
): Refusal<Field> {
  const about = error === null ? undefined : fields.find((field) => field === fieldOf(error));
  return {
    error,
    of: (field) => (field === about ? error?.message : undefined),
    rest: about === undefined ? error : null,
  };
}
