/** User data as clients send it: base64 in several forms. It is kept and answered in one: with padding. */
import { configurationValues } from '../../db/zones/configurations.ts';
import { maxUserDataOf } from '../../model/configurations.ts';
import { apiCodes } from '../../model/api-codes.ts';
import type { CommandContext } from '../server/command.ts';
import { ApiError } from '../server/errors.ts';
import type { Parameter } from './parameters.ts';

/** Characters of base64 that CloudStack takes in a request: fewer than these. */
const MAX_BY_GET = 4096;
const MAX_BY_POST = 1_048_576;
const BASE64 = /^[A-Za-z0-9+/]*=*$/;

/** Its length depends on the method of the request and on a setting: `readUserData` checks it. */
export const userDataParameter = (description: string): Parameter<string, false> => ({
  type: 'string',
  description,
  required: false,
  mayBeEmpty: true,
  length: MAX_BY_POST,
  read: (name, sent) => sent.get(name),
});

/**
 * @param given base64, also with the characters of URLs, without padding, with line breaks, or escaped once more
 * @returns base64 with padding; empty when none is given
 * @throws ApiError 431 in CloudStack's words
 */
export async function readUserData(
  { db, isPost }: Pick<CommandContext, 'db' | 'isPost'>,
  given: string,
): Promise<string> {
  if (given.trim() === '') return '';
  const [method, most] = isPost ? ['POST', MAX_BY_POST] : ['GET', MAX_BY_GET];
  if (given.length >= most) throw wrong(`User data is too long for an http ${method} request`);
  const configured = maxUserDataOf(await configurationValues(db));
  if (given.length > configured) {
    throw wrong(`User data has exceeded configurable max length : ${configured}`);
  }
  // A plus sign that a client did not escape has become a space.
  const lines = unescaped(given)
    .trim()
    .replace(/[\r\n\t]/g, '')
    .replaceAll(' ', '+');
  const text = lines.replaceAll('-', '+').replaceAll('_', '/');
  const bare = text.replace(/=+$/, '');
  // Three characters of four make two bytes; one alone makes none.
  if (!BASE64.test(text) || bare.length % 4 === 1) throw wrong('User data is not base64 encoded');
  const bytes = Buffer.from(bare, 'base64');
  if (bytes.length === 0) throw wrong('User data is too short');
  return bytes.toString('base64');
}

/** Some clients escape the text twice. */
function unescaped(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong('User data is not base64 encoded');
  }
}

const wrong = (sentence: string): ApiError =>
  new ApiError(apiCodes.parameter, sentence, { parameter: 'userdata' });
