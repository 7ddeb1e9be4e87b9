/** What hosts know each other by: certificates of the installation's authority, and tickets. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { certifyHost, createAuthority, createHostKey, endOfPem } from '../../trust/peer-certificates.ts';
import { hostIdOfNames } from '../../model/spread.ts';
import { createTicketKey, signTicket, ticketProblem, trustedDigest } from '../../trust/tickets.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const later = (minutes: number): Date => new Date(NOW.getTime() + minutes * 60_000);
const DAY = 24 * 60;
const body = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');

describe('a certificate of a host', () => {
  const hostId = randomUUID();

  test('names the host and its address, whatever the request says, and is for both sides of a connection', async () => {
    const authority = await createAuthority(NOW);
    const { request } = await createHostKey(randomUUID());
    for (const [address, name] of [
      ['10.0.0.7:7443', 'IP Address:10.0.0.7'],
      ['[2001:db8::7]:7443', 'IP Address:2001:DB8:0:0:0:0:0:7'],
      ['kvm-7.example.org:7443', 'DNS:kvm-7.example.org'],
    ] as const) {
      const pem = await certifyHost(authority, request, { hostId, address }, NOW);
      const certificate = new X509Certificate(pem);
      expect(certificate.subjectAltName).toBe(`URI:urn:bypass:host:${hostId}, ${name}`);
      expect(hostIdOfNames(certificate.subjectAltName)).toBe(hostId);
      expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
      expect(certificate.ca).toBe(false);
      expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    }
  });

  test('holds for a week, and no longer than its authority', async () => {
    const authority = await createAuthority(NOW);
    const { request } = await createHostKey(hostId);
    const about = { hostId, address: '10.0.0.7:7443' };
    const issuedAt = async (now: Date) => endOfPem(await certifyHost(authority, request, about, now));
    expect(await issuedAt(NOW)).toEqual(later(7 * DAY));
    expect(await issuedAt(later(363 * DAY))).toEqual(later(365 * DAY));
  });

  test.each([
    ['is no request', () => Promise.resolve('-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n')],
    [
      'was signed by another key',
      async () => {
        const [one, other] = [await createHostKey(hostId), await createHostKey(hostId)];
        const mixed = body(one.request);
        mixed.set(body(other.request).subarray(-20), mixed.length - 20);
        return `-----BEGIN CERTIFICATE REQUEST-----\n${mixed.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
      },
    ],
  ])('is not issued for a request that %s', async (_, make) => {
    const given = await make();
    const authority = await createAuthority(NOW);
    await expect(certifyHost(authority, given, { hostId, address: 'a:1' }, NOW)).rejects.toThrow(
      /^the request for a certificate/,
    );
  });
});

describe('a ticket', () => {
  const key = createTicketKey();
  const fetch = { aud: randomUUID(), sub: randomUUID(), copy: randomUUID() };

  test('lets one host fetch one copy from one other host, for ten minutes', async () => {
    const ticket = await signTicket(key, fetch, NOW);
    const problem = (about: Partial<typeof fetch>, now = later(9)) =>
      ticketProblem(key.publicKey, ticket, { ...fetch, ...about }, now);
    expect(await problem({})).toBeUndefined();
    expect(await problem({}, later(12))).toBe('expired');
    expect(await problem({ aud: randomUUID() })).toBe('for another host');
    expect(await problem({ sub: randomUUID() })).toBe('for another host');
    expect(await problem({ copy: randomUUID() })).toBe('for another copy');
  });

  test('is not believed when another key signed it, when it is changed, has another type, or no end', async () => {
    const ticket = await signTicket(key, fetch, NOW);
    const forged = [
      await signTicket(createTicketKey(), fetch, NOW),
      ticket.replace(
        /\.[^.]+\./,
        `.${Buffer.from(JSON.stringify({ ...fetch, exp: 4e9 })).toString('base64url')}.`,
      ),
      `${Buffer.from('{"alg":"none","typ":"bypass-ticket+jwt"}').toString('base64url')}.${ticket.split('.')[1]}.`,
      await new SignJWT(fetch)
        .setProtectedHeader({ alg: 'EdDSA' })
        .setExpirationTime('1h')
        .sign(JSON.parse(key.privateKey)),
      await new SignJWT(fetch)
        .setProtectedHeader({ alg: 'EdDSA', typ: 'bypass-ticket+jwt' })
        .sign(JSON.parse(key.privateKey)),
      'a'.repeat(1e6),
      '',
    ];
    for (const one of forged) expect(await ticketProblem(key.publicKey, one, fetch, NOW)).toBe('forged');
  });
});

test('whom a host trusts has one digest, in whatever order it is named', () => {
  const { publicKey } = createTicketKey();
  const trusted = { authorities: ['a', 'b'], ticketKey: publicKey, hostIds: ['1', '2'] };
  const digest = trustedDigest(trusted);
  expect(trustedDigest({ ...trusted, authorities: ['b', 'a'], hostIds: ['2', '1'] })).toBe(digest);
  expect(trustedDigest({ ...trusted, hostIds: ['1'] })).not.toBe(digest);
});
