import { recordEvent } from '../../db/events.ts';
import { recordInvite } from '../../db/invites.ts';
import { createInvite } from '../../trust/invite.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { zoneNamed } from '../entities.ts';
import { id, integer } from '../parameters.ts';
import { answerOne, date, type Shape, string } from '../response.ts';

const HOURS = { usual: 24, most: 24 * 365 } as const;

const INVITE: Shape<{
  readonly id: string;
  readonly token: string;
  readonly expires: Date;
  readonly zone?: string;
}> = {
  id: string('the id', (invite) => invite.id),
  token: string('the token; it is shown only now, and admits one host', ({ token }) => token),
  expires: date('until when it admits a host', ({ expires }) => expires),
  zoneid: string('the zone that it is limited to', ({ zone }) => zone),
};

export const createHostInvite = defineCommand({
  name: 'createHostInvite',
  description: 'Makes a one-time token with which a new host joins as Enabled.',
  roles: ADMINS,
  parameters: {
    zoneid: id('the zone that the host must be of; any when absent'),
    expireshours: integer(`for how many hours; ${HOURS.usual} when absent`, { min: 1, max: HOURS.most }),
  },
  object: 'hostinvite',
  response: INVITE,
  async run(context, { zoneid, expireshours }) {
    const { db, caller } = context;
    const zone = zoneid === undefined ? undefined : await zoneNamed(context, 'zoneid', zoneid);
    const invite = createInvite();
    const hours = expireshours ?? HOURS.usual;
    const { expires } = await db.transaction().execute(async (tx) => {
      const place = zone === undefined ? '' : ` of zone '${zone.name}'`;
      await recordEvent(tx, {
        type: 'HOST.INVITE',
        description: `An invite for a host${place} was made, good for ${hours} h`,
        userUuid: caller.userUuid,
        accountUuid: caller.accountUuid,
        resourceType: 'Host',
        resourceUuid: invite.id,
      });
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
