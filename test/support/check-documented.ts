/** Validates answers of the API against its OpenAPI document. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { openApiText } from '../../api/server/documents.ts';

interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const { schemas } = (JSON.parse(openApiText('0.0.0')) as Document).components;
const NAMES = new Map(Object.keys(schemas).map((name) => [name.toLowerCase(), name]));
// That the schemas are valid is a test of its own (test/docs/api.test.ts), and would take a while in each test file.
const ajv = new Ajv2020({
  strict: true,
  validateSchema: false,
  formats: { uuid: true, int32: true, int64: true },
});
ajv.addKeyword('components');
ajv.addSchema({ $id: 'document', components: { schemas } });
const validators = new Map<string, ValidateFunction>();

function validatorOf(name: string): ValidateFunction {
  const known = validators.get(name) ?? ajv.compile({ $ref: `document#/components/schemas/${name}` });
  validators.set(name, known);
  return known;
}

/** @throws Error when an answer contradicts the document */
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
