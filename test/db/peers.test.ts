/** The keys by which hosts know each other, and which hosts are to be told. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { sql } from 'kysely';
import { peerKeys } from '../../db/peers/keys.ts';
import { peersOfZone, trustedOf, untold } from '../../db/peers/hosts.ts';
import { resealAll } from '../../db/sealed.ts';
import type { PeerReport } from '../../model/spread.ts';
import { masterKeyOf } from '../../trust/master-key.ts';
import { signTicket, ticketProblem, trustedDigest } from '../../trust/tickets.ts';
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

test('told are the hosts that are Up and know something else, or whose certificates end', async () => {
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
    untold(among, whom, new Date()).map(({ name }) => name);
  expect(namesOf(now)).toEqual(['new', 'ending']);
  expect(namesOf(now, { ...trusted, hostIds: trusted.hostIds.slice(1) })).toEqual(['new', 'told', 'ending']);
});
