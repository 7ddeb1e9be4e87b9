/** The two cookies of a session. */
import type { SessionSecrets } from '../../db/accounts/sessions.ts';

const TOKEN = 'JSESSIONID';
/**
 * Scripts of the page and CloudStack's own clients read this cookie and send its value as a parameter. A page of another
 * site cannot read it, so it cannot call with the session of a user.
 */
const KEY = 'sessionkey';

export const tokenOf = (header: string | undefined): string | undefined =>
  header
    ?.split(';')
    .map((pair) => pair.trim().split('='))
    .find(([name]) => name === TOKEN)?.[1];

export const setCookies = ({ token, key }: SessionSecrets, secure: boolean): readonly string[] => [
  cookie(TOKEN, token, `; HttpOnly`, secure),
  cookie(KEY, key, '', secure),
];

export const clearCookies = (secure: boolean): readonly string[] => [
  cookie(TOKEN, '', '; HttpOnly; Max-Age=0', secure),
  cookie(KEY, '', '; Max-Age=0', secure),
];

const cookie = (name: string, value: string, attributes: string, secure: boolean): string =>
  `${name}=${value}; Path=/; SameSite=Strict${attributes}${secure ? '; Secure' : ''}`;
