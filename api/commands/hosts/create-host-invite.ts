import { recordCallerEvent } from '../../server/caller-event.ts';
import { recordInvite } from '../../../db/hosts/invites.ts';
import { createInvite } from '../../../trust/invite.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { id, integer } from '../../fields/parameters.ts';
import { answerOne, date, optional, type Shape, string } from '../../fields/response.ts';

const HOURS = { default: 24, max: 24 * 365 } as const;

const INVITE: Shape<{
  readonly id: string;
  readonly token: string;
  readonly expires: Date;
  readonly zone?: string;
}> = {
  id: string('the id', (invite) => invite.id),
  token: string('the token; it is shown only now, and admits one host', ({ token }) => token),
  expires: date('until when it admits a host', ({ expires }) => expires),
  zoneid: optional.string('the zone that it is limited to', ({ zone }) => zone),
};

export const createHostInvite = defineCommand({
  name: 'createHostInvite',
  description: 'Makes a one-time token with which a new host joins as Enabled.',
  roles: ADMINS,
  parameters: {
    zoneid: id('the zone that the host must be of; any when absent'),
    expireshours: integer(`for how many hours; ${HOURS.default} when absent`, { min: 1, max: HOURS.max }),
  },
  object: 'hostinvite',
  response: INVITE,
  async run(context, { zoneid, expireshours }) {
    const { db, caller } = context;
    const zone = zoneid === undefined ? undefined : await zoneNamed(context, 'zoneid', zoneid);
    const invite = createInvite();
    const hours = expireshours ?? HOURS.default;
    const { expires } = await db.transaction().execute(async (tx) => {
      const place = zone === undefined ? '' : ` of zone '${zone.name}'`;
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'HOST.INVITE',
          description: `An invite for a host${place} was made, good for ${hours} h`,
          resourceType: 'Host',
          resourceUuid: invite.id,
        },
      );
      return recordInvite(tx, {
        id: invite.id,
        secretHash: invite.secretHash,
        expiresHours: hours,
        ...(zone === undefined ? {} : { zoneId: zone.uuid }),
      });
    });
    const shown = { ...invite, expires, ...(zone === undefined ? {} : { zone: zone.uuid }) };
    return answerOne('hostinvite', INVITE, [shown], caller);
  },
});
