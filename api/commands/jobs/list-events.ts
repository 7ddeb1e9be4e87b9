import { listEvents as queryEvents } from '../../../db/events/listing.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { isUuid } from '../../fields/parameters.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, date, id, text } from '../../fields/parameters.ts';
import { ownerOf, ownerParameters } from '../../fields/owners.ts';
import { answerList } from '../../fields/response.ts';
import { EVENT } from '../../fields/answers/job.ts';

export const listEvents = defineCommand({
  name: 'listEvents',
  description:
    'Lists what was done, by whom, and how it ended; the newest first. Users see what their account did.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    type: text('those of this type, such as TEMPLATE.CREATE'),
    level: choice('INFO, WARN or ERROR', ['INFO', 'WARN', 'ERROR']),
    state: choice('Created, Scheduled, Started or Completed', [
      'Created',
      'Scheduled',
      'Started',
      'Completed',
    ]),
    resourceid: id('those of this template, host or other resource'),
    resourcetype: text('those of this type of resource, such as VirtualMachineTemplate'),
    startdate: date('those from this moment on'),
    enddate: date('those until this moment'),
    ...ownerParameters,
    ...pagingParameters,
  },
  objects: 'event',
  response: EVENT,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    const accountId = await ownerOf(context, values);
    if ([values.id, values.resourceid].some((given) => given !== undefined && !isUuid(given))) return {};
    const query = {
      accountId,
      id: values.id,
      type: values.type,
      level: values.level,
      state: values.state,
      resourceId: values.resourceid,
      resourceType: values.resourcetype,
      start: values.startdate,
      end: values.enddate,
      keyword: values.keyword,
    };
    return answerList('event', EVENT, await queryEvents(db, query, page), caller);
  },
});
