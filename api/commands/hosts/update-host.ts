import { recordCallerEvent } from '../../server/caller-event.ts';
import { setHostLimits } from '../../../db/hosts/host-limits.ts';
import type { LimitChanges } from '../../../db/hosts/host-limits.ts';
import { setHostTags, setResourceState } from '../../../db/hosts/hosts.ts';
import { begin } from '../../server/temporal-deadline.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { findHost } from './find-host.ts';
import { choice, id, integer, list, refused, required } from '../../fields/parameters.ts';
import { checkTagLengths } from '../tags/tags.ts';
import { answerOne } from '../../fields/response.ts';
import { HOST } from '../../fields/answers/host.ts';

/** In place of a limit: the host uses the limit of its own settings. */
const OWN = -1;
const MAX_DOWNLOADS = 1000;
/** Bytes per second. */
const MAX_RATE = 9_999_999_999;

export const updateHost = defineCommand({
  name: 'updateHost',
  description:
    'Admits a host (Enable), or sends nothing to it any more (Disable); limits its downloads, also those that run; tags it.',
  roles: ADMINS,
  parameters: {
    id: required(id('the host')),
    allocationstate: choice('Enable or Disable', ['Enable', 'Disable']),
    downloadlimit: integer('how many downloads at once; -1 for as many as its own settings say', {
      min: OWN,
      max: MAX_DOWNLOADS,
    }),
    ratelimit: integer(
      'bytes per second over all its downloads; 0 for no limit, -1 for what its own settings say',
      { min: OWN, max: MAX_RATE },
    ),
    hosttags: list('replaces its tags'),
    istagarule: refused('tags are words here, not rules', 'false'),
    name: refused('a host is called as its worker says (--name)'),
    url: refused('a host joins by itself, see createHostInvite'),
    oscategoryid: refused('hosts are chosen by their pools, not by systems of guests'),
    annotation: refused('there are no comments here'),
  },
  object: 'host',
  response: HOST,
  async run(context, { id: hostId, allocationstate, downloadlimit, ratelimit, hosttags }) {
    const { db, caller, orchestration } = context;
    if (downloadlimit === 0) throw badParameter('downloadlimit', 'is 0; give 1 or more, or -1.');
    if ([allocationstate, downloadlimit, ratelimit, hosttags].every((given) => given === undefined)) {
      throw badParameter(
        'id',
        'stands alone: give allocationstate, downloadlimit, ratelimit or hosttags, which are to change.',
      );
    }
    if (hosttags !== undefined) checkTagLengths('hosttags', hosttags);
    const host = await entity(context, 'id', hostId, (uuid) => findHost(db, uuid));
    const limits = { downloads: orOwn(downloadlimit), rate: orOwn(ratelimit) };
    const limited = downloadlimit !== undefined || ratelimit !== undefined;
    const about = {
      resourceType: 'Host',
      resourceUuid: host.uuid,
    } as const;
    await db.transaction().execute(async (tx) => {
      if (allocationstate !== undefined) {
        const enable = allocationstate === 'Enable';
        await setResourceState(tx, host.uuid, enable ? 'Enabled' : 'Disabled');
        await recordCallerEvent(
          { db: tx, caller },
          {
            type: enable ? 'HOST.ENABLE' : 'HOST.DISABLE',
            description: `Host '${host.name}' was ${enable ? 'enabled' : 'disabled'}`,
            ...about,
          },
        );
      }
      if (hosttags !== undefined) {
        await setHostTags(tx, host.uuid, hosttags);
        const what = hosttags.length === 0 ? 'has no tags' : `is tagged ${hosttags.join(',')}`;
        await recordCallerEvent(
          { db: tx, caller },
          { type: 'HOST.EDIT', description: `Host '${host.name}' ${what}`, ...about },
        );
      }
      if (limited) {
        await setHostLimits(tx, host.uuid, limits);
        await recordCallerEvent(
          { db: tx, caller },
          {
            type: 'HOST.LIMIT',
            description: `Limits of host '${host.name}' were set: ${describe(limits)}`,
            ...about,
          },
        );
      }
    });
    if (limited) await begin(context, orchestration.requestHostLimits(host.uuid, host.name));
    // A newly enabled host needs the certificates of its zone before it takes a download.
    if (allocationstate === 'Enable')
      await begin(context, orchestration.requestKeystore(host.uuid, host.name));
    if (allocationstate !== undefined && host.peer !== null)
      await begin(context, orchestration.requestPeers(host.zone_uuid));
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
