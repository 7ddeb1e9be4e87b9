/** The text fields of a form: their values, and the error of the api beside each. */
import { useState } from 'react';
import { type Refusal, refusalOf } from './refusal.ts';

interface TextField {
  readonly value: string;
  readonly error: string | undefined;
  readonly onChange: (event: { readonly currentTarget: { readonly value: string } }) => void;
}

export interface TextFields<Name extends string> {
  readonly values: Readonly<Record<Name, string>>;
  readonly refusal: Refusal<Name>;
  /** Properties for the input with this name. */
  readonly field: (name: Name) => TextField;
}

/**
 * @param blank the first values; their names are those of the parameters of the command
 * @param error why the command was refused
 */
export function useTextFields<Name extends string>(
  blank: Readonly<Record<Name, string>>,
  error: Error | null,
): TextFields<Name> {
  const [values, setValues] = useState(blank);
  const refusal = refusalOf(error, Object.keys(blank) as Name[]);
  return {
    values,
    refusal,
    field: (name) => ({
      value: values[name],
      error: refusal.of(name),
      onChange: ({ currentTarget: { value } }) => setValues({ ...values, [name]: value }),
    }),
  };
}
