import { hostNames } from '../../../db/copies/listing.ts';
import type { ProbeVerdict } from '../../../model/progress.ts';
import { inTime } from '../../server/temporal-deadline.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { templateIdOf } from './image-parameters.ts';
import { required, text } from '../../fields/parameters.ts';
import {
  answerOne,
  boolean,
  forAdmins,
  listOf,
  long,
  optional,
  type Shape,
  string,
} from '../../fields/response.ts';

interface Registration {
  readonly templateId: string;
  readonly hostName: string | undefined;
  readonly verdicts: readonly ProbeVerdict[];
}

export const PROBED_MIRROR: Shape<ProbeVerdict> = {
  url: string('the URL, without credentials', ({ url }) => url),
  reachable: boolean('whether the file can be had there', ({ reachable }) => reachable),
  reason: optional.string('why not', ({ reason }) => reason),
  size: long('bytes; 0 where it is not known', ({ size }) => size),
};

export const REGISTRATION: Shape<Registration> = {
  id: string('the id that the template or ISO will have', ({ templateId }) => templateId),
  state: string('Processing', () => 'Processing'),
  hostname: forAdmins(optional.string('the host that looks at the URL', ({ hostName }) => hostName)),
  mirror: listOf(
    PROBED_MIRROR,
    'the URLs that it has looked at so far: whether each can be had, its size, or the reason why not',
    ({ verdicts }) => verdicts,
  ),
};

export const getTemplateRegistration = defineCommand({
  name: 'getTemplateRegistration',
  description: 'Tells what a registration that runs has found so far; nothing when none runs.',
  roles: EVERYBODY,
  parameters: {
    customid: required(text('the customid, or Idempotency-Key, of the call that registers')),
  },
  response: REGISTRATION,
  object: 'templateregistration',
  async run(context, { customid }) {
    const { db, orchestration, caller } = context;
    const templateId = templateIdOf(caller.accountUuid, customid);
    const live = await inTime(context, orchestration.registration(templateId));
    if (live === undefined) return {};
    const { hostId, verdicts = [] } = live.probe ?? {};
    const names = await hostNames(db, hostId === undefined ? [] : [hostId]);
    const found = { templateId, hostName: hostId === undefined ? undefined : names.get(hostId), verdicts };
    return answerOne('templateregistration', REGISTRATION, [found], caller);
  },
});
