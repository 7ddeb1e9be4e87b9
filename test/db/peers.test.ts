/** The keys by which hosts know each other, and which hosts have old credentials. */
import { randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { sql } from 'kysely';
import { peerKeys } from '../../db/peers/keys.ts';
import { outdatedPeers, peersOfZone, trustedOf } from '../../db/peers/hosts.ts';
import { resealAll } from '../../db/sealed.ts';
import { CURRENT_TIMING } from '../../model/rules/released.ts';
import { credentialBytes } from '../../model/spread.ts';
import type { PeerReport } from '../../model/spread.ts';
import { credentialsAtOnce } from '../../model/timing.ts';
import { masterKeyOf } from '../../trust/master-key.ts';
import { certifyHost, createAuthority, createHostKey } from '../../trust/peer-certificates.ts';
import { createTicketKey, signTicket, ticketProblem, trustedDigest } from '../../trust/tickets.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

const masterKey = masterKeyOf([randomBytes(32)]);
const DAY_MS = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);
const isOf = (certificate: string, authority: string): boolean =>
  new X509Certificate(certificate).publicKey.equals(new X509Certificate(authority).publicKey);

test('keys are made once, and an authority is followed by one that issues when hosts know it', async () => {
  const both = await Promise.all([peerKeys(lab.db, masterKey), peerKeys(lab.db, masterKey)]);
  expect(both[0]).toEqual(both[1]);
  const [{ authorities: first, issuer, tickets }] = both;
  expect(first).toEqual([issuer.certificate]);
  const fetch = { aud: 'a', sub: 'b', copy: 'c' };
  expect(await ticketProblem(tickets.publicKey, await signTicket(tickets, fetch), fetch)).toBeUndefined();

  const renewed = await peerKeys(lab.db, masterKey, inDays(200));
  expect(renewed.authorities).toHaveLength(2);
  expect(isOf(renewed.issuer.certificate, issuer.certificate)).toBe(true);
  const told = await peerKeys(lab.db, masterKey, inDays(202));
  expect(isOf(told.issuer.certificate, issuer.certificate)).toBe(false);
  expect(told.authorities).toEqual(renewed.authorities);
  expect(told.tickets).toEqual(tickets);
  expect((await peerKeys(lab.db, masterKey, inDays(370))).authorities).toEqual([told.issuer.certificate]);
});

test('their private parts are sealed, and sealed anew with another master key', async () => {
  const { tickets, issuer } = await peerKeys(lab.db, masterKey);
  const { rows } = await sql<{
    all: string;
  }>`select string_agg(peer_key::text, '') as all from peer_key`.execute(lab.db);
  expect(rows[0]?.all).not.toContain((JSON.parse(tickets.privateKey) as { d: string }).d);
  expect(rows[0]?.all).not.toContain('PRIVATE KEY');
  const next = masterKeyOf([randomBytes(32), ...masterKey.keys.values()]);
  expect((await resealAll(lab.db, next)).rows).toBeGreaterThanOrEqual(2);
  const alone = masterKeyOf([[...next.keys.values()][0] ?? new Uint8Array()]);
  expect(await peerKeys(lab.db, alone)).toMatchObject({ tickets, issuer });
});

test('new credentials go to the hosts that are Up and know something else, or whose certificates end', async () => {
  const fresh = masterKeyOf([randomBytes(32)]);
  await sql`delete from peer_key`.execute(lab.db);
  const keys = await peerKeys(lab.db, fresh);
  const report: PeerReport = { address: '10.0.0.1:7443', uploads: 4, rate: 0, certificateRequest: 'PEM' };
  for (const name of ['new', 'told', 'ending', 'down', 'disabled', 'without a door']) {
    const { id } = await lab.addHost(name);
    const change = {
      last_seen: name === 'down' ? null : sql<Date>`now()`,
      ...(name === 'disabled' ? { resource_state: 'Disabled' as const } : {}),
      ...(name === 'without a door' ? {} : { peer: JSON.stringify(report) }),
    };
    await lab.db.updateTable('host').set(change).where('id', '=', id).execute();
  }
  const hosts = await peersOfZone(lab.db, lab.zone.uuid);
  expect(hosts.map(({ name }) => name)).toEqual(['new', 'told', 'ending', 'down']);
  const trusted = trustedOf(hosts, keys);
  const told = (days: number): PeerReport => ({
    ...report,
    trusted: trustedDigest(trusted),
    certificateEnds: inDays(days).toISOString(),
  });
  const now = hosts.map((host) =>
    host.name === 'told'
      ? { ...host, peer: told(7) }
      : host.name === 'ending'
        ? { ...host, peer: told(3) }
        : host,
  );
  const namesOf = (among: typeof hosts, whom = trusted) =>
    outdatedPeers(among, whom, new Date()).map(({ name }) => name);
  expect(namesOf(now)).toEqual(['new', 'ending']);
  expect(namesOf(now, { ...trusted, hostIds: trusted.hostIds.slice(1) })).toEqual(['new', 'told', 'ending']);
});

const MIB = 1_048_576;
/** Temporal's limits: a payload, a message, a history, and the length of a history that it suggests to leave. */
const TEMPORAL = { payload: 2 * MIB, message: 4 * MIB, history: 50 * MIB, suggested: 4 * MIB };

test.each([1, 1000, 10_000])(
  'the credentials of a zone of %i hosts fit into messages and histories of Temporal',
  async (count) => {
    const now = new Date();
    const authority = await createAuthority(now);
    const peer = {
      address: `${'a'.repeat(63)}.example.org:7443`,
      uploads: 4,
      rate: 0,
      certificateRequest: '',
    };
    const hosts = Array.from({ length: count }, () => ({
      hostId: randomUUID(),
      name: 'kvm',
      up: true,
      heedsChanges: true,
      peer,
    }));
    const keys = {
      authorities: [authority.certificate, authority.certificate],
      issuer: authority,
      tickets: createTicketKey(),
    };
    const trusted = trustedOf(hosts, keys);
    const [{ hostId } = { hostId: '' }] = hosts;
    const { request } = await createHostKey(hostId);
    const certificate = await certifyHost(authority, request, { hostId, address: peer.address }, now);
    const bytes = credentialBytes(trusted);
    expect(JSON.stringify({ v: 1, certificate, ...trusted }).length).toBeLessThanOrEqual(bytes);
    const atOnce = credentialsAtOnce(CURRENT_TIMING.peers, bytes);
    expect(atOnce).toBeGreaterThan(1);
    expect(bytes).toBeLessThan(TEMPORAL.payload);
    expect(bytes * atOnce).toBeLessThan(TEMPORAL.message);
    // A history has credentials twice: as the result of the one activity, and as the input of the next.
    expect(TEMPORAL.suggested + 2 * bytes * atOnce).toBeLessThan(TEMPORAL.history);
  },
);
