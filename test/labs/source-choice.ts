/** Hosts with doors, and copies of them that ask where they are fetched from (db/spread/source-choice.ts). */
import { randomUUID } from 'node:crypto';
import { openCopy } from '../../db/copies/copies.ts';
import { finishCopy, recordAttempt } from '../../db/copies/outcomes.ts';
import { chooseSource } from '../../db/spread/source-choice.ts';
import type { Chosen, SourceQuestion } from '../../db/spread/source-choice.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { capabilitiesOf } from '../../model/capabilities.ts';
import type { DownloadResult, Try } from '../../model/payloads.ts';
import { openDbLab } from './db.ts';
import type { DbLab } from './db.ts';

interface Given {
  readonly uploads?: number;
  readonly cluster?: number;
  /** Default true. */
  readonly door?: boolean;
}

type Template = Awaited<ReturnType<DbLab['addTemplate']>>;
/** Of the image that a copy ends with. */
export const SHA256 = 'ab'.repeat(32);

export const doorOf = (name: string, uploads: number) => ({
  address: `${name}.test:8443`,
  uploads,
  rate: 0,
  certificateRequest: 'r',
  certificateEnds: new Date(Date.now() + 3_600_000).toISOString(),
});

export type SourceChoiceLab = Awaited<ReturnType<typeof openSourceChoiceLab>>;
export type HostWithDoor = Awaited<ReturnType<DbLab['addHost']>> & {
  readonly name: string;
  readonly pool: Awaited<ReturnType<DbLab['addPool']>>;
};

export async function openSourceChoiceLab() {
  const lab = await openDbLab();

  async function newHost(name: string, { uploads = 4, cluster, door = true }: Given = {}) {
    const host = await lab.addHost(name);
    const peer = doorOf(name, uploads);
    await lab.db
      .updateTable('host')
      .set({
        last_seen: new Date(Date.now() + 3_600_000),
        capabilities: JSON.stringify(capabilitiesOf([], PROTOCOLS)),
        ...(door ? { peer: JSON.stringify(peer) } : {}),
        ...(cluster === undefined ? {} : { cluster_id: cluster }),
      })
      .where('id', '=', host.id)
      .execute();
    const pool = await lab.addPool(host.uuid, { name });
    return { ...host, name, pool };
  }

  /** A copy of the template on the host's own pool, under way. */
  async function wanted(template: Template, host: HostWithDoor) {
    const copy = { templateId: template.uuid, poolId: host.pool.id };
    const { copyId } = await openCopy(lab.db, copy, 'w', PROTOCOLS);
    const ask = (changes: Partial<SourceQuestion> = {}): Promise<Chosen> =>
      chooseSource(lab.db, { copyId, hostId: host.uuid, failedPeers: [], priority: 3, ...changes });
    const attemptWith = (tries: readonly Try[]) => ({
      attemptId: randomUUID(),
      hostId: host.uuid,
      hostName: host.name,
      tries,
    });
    return {
      copyId,
      copy,
      host,
      ask,
      failed: (tries: readonly Try[] = []) => recordAttempt(lab.db, copy, attemptWith(tries)),
      finish: (lineage: string = randomUUID(), more: Partial<DownloadResult> = {}) =>
        finishCopy(
          lab.db,
          { copy, outcomeId: randomUUID(), workflowId: 'w' },
          {
            attempt: attemptWith([]),
            result: {
              v: 1,
              hostId: host.uuid,
              size: 600,
              physicalSize: 600,
              virtualSize: 600,
              fetched: 600,
              sha256: SHA256,
              lineage,
              installPath: copyId,
              localPath: '/pool/x',
              tries: [],
              pool: host.pool,
              ...more,
            },
          },
        ),
      row: () =>
        lab.db
          .selectFrom('template_spool_ref')
          .where('uuid', '=', copyId)
          .selectAll()
          .executeTakeFirstOrThrow(),
    };
  }

  async function newHosts(count: number, given: Given = {}): Promise<readonly HostWithDoor[]> {
    const hosts: HostWithDoor[] = [];
    for (let at = 0; at < count; at += 1) hosts.push(await newHost(`h${at}`, given));
    return hosts;
  }

  /** Each host wants the template, one after the other. */
  async function wantedByAll<const H extends readonly HostWithDoor[]>(template: Template, hosts: H) {
    const copies: Awaited<ReturnType<typeof wanted>>[] = [];
    for (const host of hosts) copies.push(await wanted(template, host));
    return copies as unknown as { readonly [K in keyof H]: (typeof copies)[number] };
  }

  /** Four copies of a template, each but the first one fetched from the one before: `head` is fetched from the origin. */
  async function chain(given?: Template) {
    const template = given ?? (await lab.addTemplate());
    type Four = readonly [HostWithDoor, HostWithDoor, HostWithDoor, HostWithDoor];
    const hosts = (await newHosts(4, { uploads: 1 })) as Four;
    const [head, relay, end, last] = await wantedByAll(template, hosts);
    for (const copy of [head, relay, end, last]) await copy.ask();
    return { template, head, relay, end, last };
  }

  return { ...lab, newHost, newHosts, wanted, wantedByAll, chain };
}
