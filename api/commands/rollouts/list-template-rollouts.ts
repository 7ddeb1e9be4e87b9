import { findRollout, listRollouts, SHOWN_ROLLOUT_STATES } from '../../../db/rollouts/listing.ts';
import { findTemplate } from '../../../db/templates/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { checkEntity } from '../../fields/entities.ts';
import { ROLLOUT, viewRollouts } from '../../fields/answers/rollout.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, id } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';

export const listTemplateRollouts = defineCommand({
  name: 'listTemplateRollouts',
  since: '0.2.0',
  description:
    'Lists roll-outs, which are calls of prepareTemplate for many pools: how far each is, and what failed and why. They are kept as long as their jobs.',
  roles: ADMINS,
  parameters: {
    id: id('this one, by the id of its job'),
    templateid: id('those of this template or ISO'),
    zoneid: id('those in this zone'),
    state: choice('those in this state', SHOWN_ROLLOUT_STATES),
    ...pagingParameters,
  },
  objects: 'templaterollout',
  response: ROLLOUT,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findRollout(db, uuid));
    await checkEntity(context, 'templateid', values.templateid, (uuid) => findTemplate(db, uuid));
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const { id: jobId, templateid: templateId, zoneid: zoneId, state } = values;
    const { count, rows } = await listRollouts(db, { id: jobId, templateId, zoneId, state }, page);
    const views = await viewRollouts(context, rows);
    return answerList('templaterollout', ROLLOUT, { count, rows: views }, caller);
  },
});
