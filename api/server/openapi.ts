/**
 * The OpenAPI document of the API, made from the definitions of its commands.
 *
 * All commands have one address and differ by the parameter `command`. OpenAPI cannot express that, so each command is a
 * path of its own, `/client/api?command=NAME`, which tools accept. Each path has a GET with its parameters in the query
 * and a POST with the same parameters as a form; commands that refuse GET have the POST only.
 *
 * The schemas come from the same definitions: `NAMEParameters` and `NAMEResponse` for each command, and one schema for
 * each object of `ANSWERED_OBJECTS`, to which the responses refer. A field is required unless it is optional. Every
 * refusal has the one response `error`.
 */
import type { Documented } from './command.ts';
import { ERROR_KINDS } from './errors.ts';
import type { Parameter, ParameterType } from '../fields/parameters.ts';
import { ANSWERED_OBJECTS, OPEN_OBJECTS } from './answered-objects.ts';
import type { FieldDoc, FieldDocs, FieldType } from '../fields/response.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Schema = Readonly<Record<string, Json>>;

export const API_PATH = '/client/api';

/** What each HTTP status means; all answers but 200 have the same body. */
export const ERRORS: Readonly<Record<number, string>> = {
  401: 'The call is not signed as it should be, or there is no such command for the caller.',
  405: 'The command is taken by POST only.',
  429: 'Too many calls; the header Retry-After says how many seconds to wait.',
  430: 'The parameters cannot be read.',
  431: 'A parameter is missing or wrong, or names nothing that there is.',
  432: 'No command was given.',
  530: 'A fault of Bypass itself; the text has the number under which its log tells more.',
  531: 'The caller may not do this.',
  532: 'The account has as many templates as it may have.',
  533: 'No pool or host can take it.',
  534: 'What is needed for it cannot be reached.',
  536: 'It is in use.',
};

export function openApi(commands: readonly Documented[], version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bypass',
      version,
      summary: "VM templates and ISOs onto KVM hosts, by CloudStack's API.",
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'where this document was had from' }],
    security: [
      { apiKey: [], signature: [] },
      { session: [], sessionkey: [] },
    ],
    paths: Object.fromEntries(
      commands.map((command) => [`${API_PATH}?command=${command.name}`, pathOf(command)]),
    ),
    components: {
      securitySchemes: SECURITY,
      parameters: { response: RESPONSE },
      responses: {
        error: {
          description: Object.entries(ERRORS)
            .map(([code, text]) => `- ${code}: ${text}`)
            .join('\n'),
          content: { 'application/json': { schema: { $ref: '#/components/schemas/error' } } },
        },
      },
      schemas: Object.fromEntries([
        ['error', ERROR],
        ['ApiError', API_ERROR],
        ...Object.entries(ANSWERED_OBJECTS).map(([name, fields]) => [name, fieldsSchema(fields)] as const),
        ...commands.map((command) => [parametersName(command), parametersSchema(command)] as const),
        ...commands.map((command) => [responseName(command), responseSchema(command)] as const),
      ]),
    },
  };
}

const DESCRIPTION = `Every command is taken by GET, and by POST with a form; the names of parameters in any case.

A call is signed: \`apiKey\` names the user, and \`signature\` is Base64(HMAC-SHA-1(secret key, text)), where the text is \
all other parameters, sorted by name, each value percent-encoded with a space as %20, joined by \`&\`, in lower case. With \
\`signatureVersion=3\` the parameter \`expires\` (\`2026-01-31T08:00:00+0000\`) says until when the call is meant. Or it is \
made in a session: \`login\` sets the cookie JSESSIONID and tells the \`sessionkey\` that goes with each call.

Lists are answered by pages (\`page\` and \`pagesize\` together; 500 entries at most), and an empty list as \`{}\`. What takes \
long is answered by a \`jobid\`, and \`queryAsyncJobResult\` tells how it goes. A parameter of the type map is \
\`NAME[0].key=KEY&NAME[0].value=VALUE&NAME[1].key=…\`, or shorter \`NAME[0].KEY=VALUE\`.

Each call may have the parameter \`maxage\` (seconds from 0 to 9: a list may be that old), and calls that register may \
have the header \`Idempotency-Key\`.`;

const SECURITY: Schema = {
  apiKey: { type: 'apiKey', in: 'query', name: 'apiKey' },
  signature: { type: 'apiKey', in: 'query', name: 'signature' },
  session: { type: 'apiKey', in: 'cookie', name: 'JSESSIONID' },
  sessionkey: { type: 'apiKey', in: 'query', name: 'sessionkey' },
};

const RESPONSE: Schema = {
  name: 'response',
  in: 'query',
  description: 'the form of the answer; there is only json',
  schema: { type: 'string', enum: ['json'], default: 'json' },
};

/** An error in the wrapper of the command. */
const ERROR: Schema = {
  type: 'object',
  description: 'what went wrong, in the wrapper of the command',
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: { $ref: '#/components/schemas/ApiError' },
};

const API_ERROR: Schema = {
  type: 'object',
  required: ['uuidList', 'errorcode', 'cserrorcode', 'errortext', 'errorkind', 'advice'],
  properties: {
    uuidList: { type: 'array', maxItems: 0 },
    errorcode: { type: 'integer', description: 'the HTTP status' },
    cserrorcode: { type: 'integer', description: "the number of CloudStack's exception; 9999 for none" },
    errortext: { type: 'string', description: 'what is wrong, and what would be right' },
    errorkind: { type: 'string', enum: ERROR_KINDS, description: 'what went wrong, for programs' },
    reason: {
      type: 'string',
      description: 'the same for people, where errortext has the words that clients of CloudStack look for',
    },
    parameter: { type: 'string', description: 'the parameter that is wrong' },
    hostid: { type: 'string', description: 'the id of the host that it is about; for administrators' },
    advice: { type: 'string', description: 'what the caller can do' },
  },
  additionalProperties: false,
};

const parametersName = ({ name }: Documented): string => `${name}Parameters`;
const responseName = ({ name }: Documented): string => `${name}Response`;
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

function pathOf(command: Documented): Schema {
  const { name, isPostOnly = false } = command;
  const entries = sentParameters(command);
  const common = {
    summary: command.description,
    description: `For ${command.roles.length > 1 ? 'users and administrators' : 'administrators'}.`,
    tags: [tagOf(name)],
    ...(command.isSigned === false ? { security: [] } : {}),
    responses: {
      200: {
        description: command.isAsync ? 'The id of the job.' : 'Done.',
        content: { 'application/json': { schema: ref(responseName(command)) } },
      },
      default: { $ref: '#/components/responses/error' },
    },
  };
  return {
    parameters: [{ $ref: '#/components/parameters/response' }],
    ...(isPostOnly
      ? {}
      : {
          get: {
            operationId: name,
            ...common,
            parameters: entries.map(([sent, parameter]) => ({
              name: sent,
              in: 'query',
              description: parameter.description,
              required: parameter.required,
              ...(parameter.type === 'list' ? { style: 'form', explode: false } : {}),
              schema: parameterSchema(parameter),
            })),
          },
        }),
    post: {
      operationId: `${name}ByPost`,
      ...common,
      requestBody: {
        required: entries.some(([, parameter]) => parameter.required),
        content: {
          'application/x-www-form-urlencoded': {
            schema: ref(parametersName(command)),
            ...formEncoding(entries),
          },
        },
      },
    },
  };
}

/** A form sends a list as one value with commas. */
function formEncoding(entries: readonly SentParameter[]): Schema {
  const lists = entries.filter(([, { type }]) => type === 'list');
  return lists.length === 0
    ? {}
    : { encoding: Object.fromEntries(lists.map(([name]) => [name, { style: 'form', explode: false }])) };
}

type SentParameter = readonly [name: string, parameter: Parameter<unknown>];

/** The parameters by the names under which clients send them. A map is shown by its first entry. */
const sentParameters = ({ parameters }: Documented): readonly SentParameter[] =>
  Object.entries(parameters).flatMap(([name, parameter]): readonly SentParameter[] =>
    parameter.type === 'map'
      ? ['key', 'value'].map((part) => [`${name}[0].${part}`, parameter] as const)
      : [[name, parameter]],
  );

const parametersSchema = (command: Documented): Schema => {
  const entries = sentParameters(command);
  return {
    type: 'object',
    required: entries.filter(([, parameter]) => parameter.required).map(([name]) => name),
    properties: Object.fromEntries(
      entries.map(([name, parameter]) => [
        name,
        { description: parameter.description, ...parameterSchema(parameter) },
      ]),
    ),
    additionalProperties: false,
  };
};

const parameterSchema = ({ type, length, words, range, mayBeEmpty }: Parameter<unknown>): Schema => ({
  ...PARAMETER_SCHEMAS[type],
  ...(words === undefined ? {} : { enum: words }),
  ...(range === undefined ? {} : { minimum: range.min, maximum: range.max }),
  ...(type === 'string' || type === 'map' ? { maxLength: length } : {}),
  ...(type === 'string' && words === undefined && mayBeEmpty !== true ? { minLength: 1 } : {}),
  ...(type === 'list' && mayBeEmpty === false ? { minItems: 1 } : {}),
});

const PARAMETER_SCHEMAS: Readonly<Record<ParameterType, Schema>> = {
  string: { type: 'string' },
  uuid: { type: 'string', format: 'uuid' },
  boolean: { type: 'boolean' },
  integer: { type: 'integer' },
  list: { type: 'array', items: { type: 'string' } },
  map: { type: 'string' },
  date: { type: 'string', examples: ['2026-01-31', '2026-01-31T08:00:00+0000'] },
};

function responseSchema({ name, object, objects, response, besides = {} }: Documented): Schema {
  const item = objectSchema(response);
  const inner =
    objects !== undefined
      ? fieldsOf({
          count: { type: 'integer', description: 'how many there are on all pages' },
          [objects]: { type: 'array', items: item },
        })
      : object !== undefined
        ? fieldsOf({ [object]: item, ...propertiesOf(besides) })
        : item;
  const wrapper = `${name.toLowerCase()}response`;
  return { ...fieldsOf({ [wrapper]: inner }), required: [wrapper] };
}

const fieldsOf = (properties: Schema): Schema => ({
  type: 'object',
  properties,
  additionalProperties: false,
});

const propertiesOf = (fields: FieldDocs): Schema =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)]));

function fieldSchema({ type, description, words, fields }: FieldDoc): Schema {
  const common = { description, ...FIELD_SCHEMAS[type], ...(words === undefined ? {} : { enum: words }) };
  const inner = fields === undefined ? undefined : objectSchema(fields);
  if (type === 'list') return { ...common, items: inner ?? { type: 'string' } };
  return type === 'map' && inner !== undefined ? { description, ...inner } : common;
}

const NAMES: ReadonlyMap<FieldDocs, string> = new Map(
  Object.entries(ANSWERED_OBJECTS).map(([name, fields]) => [fields, name]),
);

/** A reference to the schema of a named object; the schema itself for an object without a name. */
function objectSchema(fields: FieldDocs): Schema {
  const name = NAMES.get(fields);
  return name === undefined ? fieldsSchema(fields) : ref(name);
}

const fieldsSchema = (fields: FieldDocs): Schema => ({
  ...fieldsOf(propertiesOf(fields)),
  required: Object.entries(fields)
    .filter(([, { optional }]) => optional !== true)
    .map(([name]) => name),
  ...(OPEN_OBJECTS.has(fields) ? { additionalProperties: true } : {}),
});

const FIELD_SCHEMAS: Readonly<Record<FieldType, Schema>> = {
  string: { type: 'string' },
  integer: { type: 'integer', format: 'int32' },
  long: { type: 'integer', format: 'int64' },
  boolean: { type: 'boolean' },
  date: { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$` },
  list: { type: 'array' },
  map: { type: 'object', additionalProperties: { type: 'string' } },
};

/** The subject under which a command is grouped, found by the noun in its name. */
export function tagOf(command: string): string {
  const noun = GROUPS.find(([pattern]) => pattern.test(command));
  return noun?.[1] ?? 'General';
}

const GROUPS: readonly (readonly [RegExp, string])[] = [
  [/VirtualMachine|VMAffinity|tachIso|Nics|Volumes/, 'Virtual machines'],
  [/Certificate/, 'Certificates'],
  [/Iso/, 'ISOs'],
  [/Deployment|prepareTemplate/, 'Deployments'],
  [/Template/, 'Templates'],
  [/Tags/, 'Tags'],
  [/Host/, 'Hosts'],
  [/Storage/, 'Storage pools'],
  [/Zone|Pod|Cluster/, 'Zones, pods and clusters'],
  [/^log(in|out)$|Account|User|Domain|ResourceLimit|ApiLimit/, 'Accounts'],
  [/Configuration/, 'Settings'],
  [/Event|Job/, 'Events and jobs'],
];
