/** Compares answers of the API with what its OpenAPI document says of them. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { documents } from '../../api/documents.ts';

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const { schemas } = (JSON.parse(documents('0.0.0')['openapi.json']) as Document).components;
const NAMES = new Map(Object.keys(schemas).map((name) => [name.toLowerCase(), name]));
const ajv = new Ajv2020({ strict: true, formats: { uuid: true, int32: true, int64: true } });
const validators = new Map<string, ValidateFunction>();

function validatorOf(name: string): ValidateFunction {
  const known = validators.get(name) ?? ajv.compile(schemas[name] ?? false);
  validators.set(name, known);
  return known;
}

/** @throws Error when an answer is not what the document says */
export function checkDocumented(command: string, status: number, body: unknown): void {
  const name = status === 200 ? NAMES.get(`${command.toLowerCase()}response`) : 'error';
  if (name === undefined) throw new Error(`No answer of ${command} is documented`);
  const validate = validatorOf(name);
  if (validate(body)) return;
  const where = (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, message, JSON.stringify(params)].join(' '),
  );
  throw new Error(`The answer of ${command} is not as documented: ${where.join('; ')}`);
}
