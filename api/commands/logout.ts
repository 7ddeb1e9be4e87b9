import { closeSession } from '../../db/sessions.ts';
import { clearCookies, tokenOf } from '../cookies.ts';
import { defineDoor } from '../door.ts';
import { unauthorized } from '../errors.ts';
import { requireSession } from '../session.ts';
import { text } from '../parameters.ts';
import { type Shape, string } from '../response.ts';

const GOODBYE: Shape<unknown> = { description: string('success', () => 'success') };

export const logout = defineDoor({
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
