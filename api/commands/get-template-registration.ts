import { hostNames } from '../../db/listings/deployments.ts';
import type { ProbeVerdict } from '../../model/progress.ts';
import { inTime } from '../background.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { templateIdOf } from '../image-parameters.ts';
import { required, text } from '../parameters.ts';
import { answerOne, forAdmins, list, type Shape, string } from '../response.ts';

interface Registration {
  readonly templateId: string;
  readonly hostName: string | undefined;
  readonly verdicts: readonly ProbeVerdict[];
}

const REGISTRATION: Shape<Registration> = {
  id: string('the id that the template or ISO will have', ({ templateId }) => templateId),
  state: string('Processing', () => 'Processing'),
  hostname: forAdmins(string('the host that looks at the URL', ({ hostName }) => hostName)),
  mirror: list(
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
