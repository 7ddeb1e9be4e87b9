import { closeSession } from '../../../db/accounts/sessions.ts';
import { clearCookies, tokenOf } from '../../server/cookies.ts';
import { definePublicCommand } from '../../server/public-command.ts';
import { unauthorized } from '../../server/errors.ts';
import { requireSession } from '../../server/session.ts';
import { text } from '../../fields/parameters.ts';
import { type Shape, string } from '../../fields/response.ts';

const GOODBYE: Shape<unknown> = { description: string('success', () => 'success') };

export const logout = definePublicCommand({
  name: 'logout',
  description: 'Ends the session that the cookies and the parameter sessionkey name.',
  parameters: { sessionkey: text('what login gave') },
  response: GOODBYE,
  async run(context, { sessionkey }) {
    const { db, sessionIdle, sessions, cookies, secure } = context;
    const token = tokenOf(cookies);
    if (token === undefined) throw unauthorized();
    await requireSession(context, { token, key: sessionkey });
    await closeSession(db, token, sessionIdle);
    sessions.forget(token);
    return { answer: { description: 'success' }, cookies: clearCookies(secure) };
  },
});
