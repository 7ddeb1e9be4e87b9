/** Types of answered fields: a string where a number is expected fails the whole answer in typed clients. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, DOORS } from '../../api/registry.ts';
import type { FieldType } from '../../api/response.ts';
import { PROJECT_ROOT } from '../../workers/dev/project.ts';

type GoType = 'string' | 'int' | 'int64' | 'bool' | 'list' | 'object';

const { fields } = JSON.parse(
  readFileSync(join(PROJECT_ROOT, 'test', 'api', 'go-sdk-types.json'), 'utf8'),
) as { readonly fields: Readonly<Record<string, Readonly<Record<string, GoType>>>> };

/** What may be answered for it. That answers are of the type they are documented with, `Caller.call` sees to. */
const DECODED: Readonly<Record<GoType, readonly FieldType[]>> = {
  string: ['string', 'date'],
  int: ['integer', 'long'],
  int64: ['integer', 'long'],
  bool: ['boolean'],
  list: ['list'],
  object: ['map'],
};

test.each(Object.entries(fields))('%s', (command, expected) => {
  const { response, besides } = [...COMMANDS, ...DOORS].find(({ name }) => name === command) ?? {
    response: {},
  };
  const shown = { ...response, ...besides };
  const wrong = Object.entries(expected).filter(
    ([field, type]) => shown[field] !== undefined && !DECODED[type].includes(shown[field].type),
  );
  expect(wrong).toEqual([]);
  expect(Object.keys(expected).filter((field) => shown[field] === undefined)).toEqual([]);
});
