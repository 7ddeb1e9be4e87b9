import { createHash } from 'node:crypto';
import { checkProof, createInvite, InviteSyntaxError, proofOf } from '../../trust/invite.ts';

describe('an invite', () => {
  test('is proven without being shown', () => {
    const { id, token, secretHash } = createInvite();
    const { id: named, proof } = proofOf(token, 'who joins');
    expect(named).toBe(id);
    expect(checkProof(secretHash, 'who joins', proof)).toBe(true);
    expect(token).not.toContain(proof);
  });

  test('the database holds a hash of it, not the token', () => {
    const { token, secretHash } = createInvite();
    const secret = Buffer.from(token.split('.')[1] ?? '', 'base64url');
    expect(secret).toHaveLength(32);
    expect(secretHash).toBe(createHash('sha256').update(secret).digest('hex'));
  });

  test('a proof is for one text and one token', () => {
    const [invite, other] = [createInvite(), createInvite()];
    const { proof } = proofOf(invite.token, 'who joins');
    expect(checkProof(invite.secretHash, 'somebody else', proof)).toBe(false);
    expect(checkProof(other.secretHash, 'who joins', proof)).toBe(false);
  });

  test.each(['', 'AAAA', '!'])("a proof such as '%s' is simply not right", (proof) => {
    expect(checkProof(createInvite().secretHash, 'who joins', proof)).toBe(false);
  });

  test('is read with white space around it, as from a file', () => {
    const { id, token } = createInvite();
    expect(proofOf(` ${token}\n`, 'x').id).toBe(id);
  });

  test.each(['', 'token', createInvite().id, `${createInvite().token}x`])("'%s' is no token", (token) => {
    expect(() => proofOf(token, 'x')).toThrow(InviteSyntaxError);
  });
});
