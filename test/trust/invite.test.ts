import { createHash } from 'node:crypto';
import { checkProof, createInvite, InviteSyntaxError, proofOf } from '../../trust/invite.ts';

describe('an invite', () => {
  test('is proven without being revealed', () => {
    const { id, token, secretHash } = createInvite();
    const { id: named, proof } = proofOf(token, 'who joins');
    expect(named).toBe(id);
    expect(checkProof(secretHash, 'who joins', proof)).toBe(true);
    expect(token).not.toContain(proof);
  });

  test('is stored as a hash of its secret, not as the token', () => {
    const { token, secretHash } = createInvite();
    const secret = Buffer.from(token.split('.')[1] ?? '', 'base64url');
    expect(secret).toHaveLength(32);
    expect(secretHash).toBe(createHash('sha256').update(secret).digest('hex'));
  });

  test('has proofs that count for one text and one token only', () => {
    const [invite, other] = [createInvite(), createInvite()];
    const { proof } = proofOf(invite.token, 'who joins');
    expect(checkProof(invite.secretHash, 'somebody else', proof)).toBe(false);
    expect(checkProof(other.secretHash, 'who joins', proof)).toBe(false);
  });

  test.each(['', 'AAAA', '!'])("is not proven by the malformed proof '%s'", (proof) => {
    expect(checkProof(createInvite().secretHash, 'who joins', proof)).toBe(false);
  });

  test('is read with white space around it, as files have it', () => {
    const { id, token } = createInvite();
    expect(proofOf(` ${token}\n`, 'x').id).toBe(id);
  });

  test.each(['', 'token', createInvite().id, `${createInvite().token}x`])(
    "is not accepted from the text '%s', which is no token",
    (token) => {
      expect(() => proofOf(token, 'x')).toThrow(InviteSyntaxError);
    },
  );
});
