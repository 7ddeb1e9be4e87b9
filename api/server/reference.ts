/** The reference of the API for people, made from the definitions of its commands: as blocks, and as Markdown. */
import type { Documented } from './command.ts';
import { groupBy } from '../fields/group-by.ts';
import { API_PATH, ERRORS, tagOf } from './openapi.ts';

interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A piece of the reference. Its texts may have `code` in backticks, and no other markup. */
export type Block =
  | { readonly heading: string; readonly level: 1 | 2 | 3 }
  | { readonly text: string }
  | { readonly table: Table };

export const markdownReference = (commands: readonly Documented[]): string =>
  `${blocksOf(commands).map(asMarkdown).join('\n\n')}\n`;

/** The commands by subject; the subjects in alphabetical order. */
export function bySubject(
  commands: readonly Documented[],
): readonly (readonly [subject: string, readonly Documented[]])[] {
  const groups = groupBy(commands, ({ name }) => tagOf(name));
  return [...groups].toSorted(([a], [b]) => Number(a > b) - Number(a < b));
}

function blocksOf(commands: readonly Documented[]): readonly Block[] {
  const subjects = bySubject(commands);
  return [
    ...introduction(),
    {
      text: 'Which commands there are; “admin” are those for administrators only, “job” those that answer a `jobid`:',
    },
    { table: overviewOf(subjects) },
    ...subjects.flatMap(([subject, members]): readonly Block[] => [
      { heading: subject, level: 2 },
      ...members.flatMap(blocksOfCommand),
    ]),
  ];
}

export const introduction = (): readonly Block[] => [
  { heading: 'The API', level: 1 },
  ...INTRODUCTION,
  { table: { head: ['code', 'meaning'], rows: Object.entries(ERRORS) } },
];

const INTRODUCTION: readonly Block[] = [
  {
    text: `One address, \`${API_PATH}\`, by GET or by POST with a form, in the dialect of Apache CloudStack: \`command=NAME\` with the parameters of the command, whose names are taken in any case. Answers are JSON, in a wrapper that is called after the command: \`{"listzonesresponse": {"count": 1, "zone": [{…}]}}\`. An empty list is \`{}\`. \`${API_PATH}/openapi.json\` tells the same as an OpenAPI document, and \`listApis\` as CloudStack's clients read it.`,
  },
  { heading: 'Who calls', level: 2 },
  {
    text: 'A call is signed: `apiKey` names the user, and `signature` is the Base64 of the HMAC-SHA-1, with the secret key, of all other parameters: sorted by name, each value percent-encoded with a space as `%20`, joined by `&`, all in lower case. With `signatureVersion=3` the parameter `expires` (`2026-01-31T08:00:00+0000`) says until when the call is meant. Or it is made in a session: `login` sets the cookie `JSESSIONID` and tells the `sessionkey` that goes with each call. What the caller may not call is answered like what there is not.',
  },
  { heading: 'Parameters', level: 2 },
  {
    text: 'A boolean is `true` or `false`. A list is one value with commas. A map is `NAME[0].KEY=VALUE`, or `NAME[0].key=KEY` with `NAME[0].value=VALUE`, at any index. A date is `2026-01-31` or `2026-01-31T08:00:00+0000`. Lists come by pages: `page` and `pagesize` together, at most 500 entries, which is also what comes without them. `maxage` (seconds from 0 to 9) allows a list to be that old. Calls that register may have the header `Idempotency-Key`.',
  },
  { heading: 'Jobs', level: 2 },
  {
    text: 'What takes long is answered by a `jobid`. `queryAsyncJobResult` answers its `jobstatus`: 0 while it runs, 1 when it is done, 2 when it failed, and then `jobresult`: what was done, or `errorcode`, `errortext`, `errorkind` and `advice`, and for administrators `hostid`.',
  },
  { heading: 'Errors', level: 2 },
  {
    text: 'The HTTP status says what went wrong, and the body says it as a sentence: `{"listzonesresponse": {"uuidList": [], "errorcode": 431, "cserrorcode": 4350, "errortext": "…", "errorkind": "WrongParameter", "parameter": "id", "advice": "…"}}`. `errorkind` says what it is, for programs; `parameter` which parameter is wrong; `advice` what the caller can do; `hostid`, for administrators, which host it is about.',
  },
];

const overviewOf = (groups: readonly (readonly [string, readonly Documented[]])[]): Table => ({
  head: ['subject', 'commands'],
  rows: groups.map(([group, members]) => [
    group,
    members.map((command) => `\`${command.name}\`${marksOf(command)}`).join(', '),
  ]),
});

function marksOf({ roles, isAsync }: Documented): string {
  const marks = [...(roles.length === 1 ? ['admin'] : []), ...(isAsync ? ['job'] : [])];
  return marks.length === 0 ? '' : ` (${marks.join(', ')})`;
}

export function blocksOfCommand(command: Documented): readonly Block[] {
  const { name, description, parameters, response, besides = {} } = command;
  const rows = Object.entries(parameters).map(([parameter, { type, required, words, range, ...rest }]) => [
    `\`${parameter}\``,
    `${type}${required ? ', required' : ''}`,
    [
      rest.description,
      ...(words === undefined ? [] : [`one of ${words.map((word) => `\`${word}\``).join(', ')}`]),
      ...(range === undefined || range.max === 2 ** 31 - 1 ? [] : [`from ${range.min} to ${range.max}`]),
    ].join('; '),
  ]);
  const fields = Object.entries({ ...response, ...besides }).map(([key, field]) => [
    `\`${key}\``,
    field.type,
    field.description,
  ]);
  return [
    { heading: name, level: 3 },
    { text: `${description} ${whoOf(command)}` },
    rows.length === 0
      ? { text: 'It takes no parameters.' }
      : { table: { head: ['parameter', 'type', 'meaning'], rows } },
    { text: `It answers ${answerOf(command)}:` },
    { table: { head: ['field', 'type', 'meaning'], rows: fields } },
  ];
}

function whoOf({ roles, isSigned, isPostOnly }: Documented): string {
  if (isSigned === false)
    return `It needs no signature${isPostOnly === true ? ', and is taken by POST only' : ''}.`;
  return roles.length === 1 ? 'For administrators.' : 'For everybody.';
}

function answerOf({ isAsync, object, objects, besides = {} }: Documented): string {
  if (isAsync) return 'a job';
  if (objects !== undefined) return `\`count\` and a list \`${objects}\``;
  if (object === undefined) return 'these fields';
  const more = Object.keys(besides).map((name) => `\`${name}\``);
  return [`one \`${object}\``, ...(more.length === 0 ? [] : [`and beside it ${more.join(', ')}`])].join(' ');
}

export function asMarkdown(block: Block): string {
  if ('heading' in block) return `${'#'.repeat(block.level)} ${block.heading}`;
  if ('text' in block) return block.text;
  const { head, rows } = block.table;
  return [head, head.map(() => '---'), ...rows].map(asLine).join('\n');
}

const asLine = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
