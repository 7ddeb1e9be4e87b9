import { recordEvent } from '../../db/events.ts';
import { setHostLimits } from '../../db/host-limits.ts';
import type { LimitChanges } from '../../db/host-limits.ts';
import { setResourceState } from '../../db/hosts.ts';
import { begin } from '../background.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { entity } from '../entities.ts';
import { badParameter } from '../errors.ts';
import { findHost } from '../hosts.ts';
import { choice, id, integer, required } from '../parameters.ts';
import { answerOne } from '../response.ts';
import { HOST } from '../responses/host.ts';

/** In place of a limit: that of the host's own settings. */
const OWN = -1;
const MOST_DOWNLOADS = 1000;
const MOST_RATE = 9_999_999_999;

export const updateHost = defineCommand({
  name: 'updateHost',
  description:
    'Admits a host (Enable), or sends nothing to it any more (Disable); limits its downloads, also those that run.',
  roles: ADMINS,
  parameters: {
    id: required(id('the host')),
    allocationstate: choice('Enable or Disable', ['Enable', 'Disable']),
    downloadlimit: integer('how many downloads at once; -1 for as many as its own settings say', {
      min: OWN,
      max: MOST_DOWNLOADS,
    }),
    ratelimit: integer(
      'bytes per second over all its downloads; 0 for no limit, -1 for what its own settings say',
      { min: OWN, max: MOST_RATE },
    ),
  },
  object: 'host',
  response: HOST,
  async run(context, { id: hostId, allocationstate, downloadlimit, ratelimit }) {
    const { db, caller, orchestration } = context;
    if (downloadlimit === 0) throw badParameter('downloadlimit', 'is 0; give 1 or more, or -1.');
    if (allocationstate === undefined && downloadlimit === undefined && ratelimit === undefined) {
      throw badParameter('allocationstate', 'is missing; give it, downloadlimit or ratelimit.');
    }
    const host = await entity(context, 'id', hostId, (uuid) => findHost(db, uuid));
    const limits = { downloads: orOwn(downloadlimit), rate: orOwn(ratelimit) };
    const limited = downloadlimit !== undefined || ratelimit !== undefined;
    const about = {
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: 'Host',
      resourceUuid: host.uuid,
    } as const;
    await db.transaction().execute(async (tx) => {
      if (allocationstate !== undefined) {
        const enable = allocationstate === 'Enable';
        await setResourceState(tx, host.uuid, enable ? 'Enabled' : 'Disabled');
        await recordEvent(tx, {
          type: enable ? 'HOST.ENABLE' : 'HOST.DISABLE',
          description: `Host '${host.name}' was ${enable ? 'enabled' : 'disabled'}`,
          ...about,
        });
      }
      if (limited) {
        await setHostLimits(tx, host.uuid, limits);
        await recordEvent(tx, {
          type: 'HOST.LIMIT',
          description: `Limits of host '${host.name}' were set: ${describe(limits)}`,
          ...about,
        });
      }
    });
    if (limited) await begin(context, orchestration.requestHostLimits(host.uuid, host.name));
    // Before it takes a download it gets the certificates of its zone.
    if (allocationstate === 'Enable')
      await begin(context, orchestration.requestKeystore(host.uuid, host.name));
    const updated = await findHost(db, host.uuid);
    return answerOne('host', HOST, updated === undefined ? [] : [updated], caller);
  },
});

const orOwn = (limit: number | undefined): number | null | undefined => (limit === OWN ? null : limit);

function describe({ downloads, rate }: LimitChanges): string {
  const ofDownloads =
    downloads === null ? 'downloads as its own settings say' : `${downloads} downloads at once`;
  const ofRate =
    rate === null ? 'bytes per second as its own settings say' : `${rate || 'any'} bytes per second`;
  return [...(downloads === undefined ? [] : [ofDownloads]), ...(rate === undefined ? [] : [ofRate])].join(
    ', ',
  );
}
