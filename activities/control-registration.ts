/** The control side of a registration. */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { unsettledHosts } from '../db/certificates.ts';
import { denialOf, recordEvent } from '../db/events.ts';
import { randomHostOf } from '../db/hosts.ts';
import {
  abandonRegistration,
  completeRegistration,
  demandsAllMirrors,
  recordRegistration,
} from '../db/registrations.ts';
import { REGISTRATION_REFUSED } from '../model/names.ts';
import type { ProbeReport, RegistrationInput, RegistrationRefusal } from '../model/payloads.ts';
import { judgeRegistration } from '../model/registration.ts';
import { titleOf } from '../model/title.ts';
import { requireSigned } from './control-answers.ts';
import { addressTo } from './control-sealing.ts';
import type { ChosenHost } from './control-sealing.ts';
import type { ControlDeps } from './control.ts';

export interface Recorded {
  /** It was registered already. */
  readonly done: boolean;
  /** Absent when no host is Up. */
  readonly host?: ChosenHost;
}

export interface RegistrationActivities {
  /** Writes the rows of a template to be checked, and chooses the first host to look at its URL. */
  recordRegistration(input: RegistrationInput): Promise<Recorded>;
  /**
   * Makes the template usable, if what the host found allows it.
   * @throws ApplicationFailure REGISTRATION_REFUSED with the reason
   */
  completeRegistration(input: RegistrationInput, report: ProbeReport, hostName: string): Promise<void>;
  /** A random Up host of the template's zones that was not tried yet; undefined when there is no other. */
  chooseProbeHost(input: RegistrationInput, tried: readonly string[]): Promise<ChosenHost | undefined>;
  /** Removes what was written. */
  abandonRegistration(input: RegistrationInput, message: string): Promise<void>;
}

/** Hosts that are made ready at the same time when none is. */
const LATE = 5;

export function createRegistrationActivities(deps: ControlDeps): RegistrationActivities {
  const { db, orchestration } = deps;
  const chooseProbeHost: RegistrationActivities['chooseProbeHost'] = async (input, tried) => {
    const { templateId, zoneIds, sealed } = input;
    const host = await randomHostOf(db, zoneIds, tried);
    if (host === undefined) {
      const late = await unsettledHosts(db, LATE, zoneIds);
      await Promise.all(late.map(({ hostId, name }) => orchestration.requestKeystore(hostId, name)));
    }
    return host && addressTo(host, templateId, sealed, deps);
  };

  return {
    chooseProbeHost,

    async recordRegistration(input) {
      if ((await recordRegistration(db, input)) === 'Active') return { done: true };
      const host = await chooseProbeHost(input, []);
      return { done: false, ...(host === undefined ? {} : { host }) };
    },

    async completeRegistration(input, report, hostName) {
      await requireSigned(db, ['probe'], report);
      await recordDenials(deps, input, report, hostName);
      const verdict = judgeRegistration(
        {
          demandAllMirrors: await demandsAllMirrors(db, input.templateId),
          ...(input.checksum === undefined ? {} : { checksum: input.checksum }),
        },
        report,
      );
      if (!verdict.accepted) {
        const { message, apiCode } = verdict;
        throw refusal({ v: 1, message, apiCode, hostName, urls: report.urls });
      }
      await completeRegistration(db, input.templateId, verdict);
      await recordEvent(db, {
        ...about(input),
        description: `${titleOf(input)} was registered; host ${hostName} found ${verdict.size} bytes`,
        once: `registered:${input.templateId}`,
      });
    },

    async abandonRegistration(input, message) {
      await abandonRegistration(db, input.templateId);
      await recordEvent(db, {
        ...about(input),
        level: 'ERROR',
        description: `${titleOf(input)} was not registered: ${message}`,
        once: `refused:${activityInfo().workflowExecution?.runId}`,
      });
    },
  };
}

/** What the URL policy refused, whether the registration succeeds without it or not. */
async function recordDenials(
  { db }: ControlDeps,
  input: RegistrationInput,
  { urls }: ProbeReport,
  hostName: string,
): Promise<void> {
  const { runId } = activityInfo().workflowExecution ?? {};
  for (const [at, { url, rule, reason }] of urls.entries()) {
    if (rule === undefined) continue;
    await recordEvent(db, {
      ...about(input),
      type: input.format === 'ISO' ? 'ISO.URL.DENY' : 'TEMPLATE.URL.DENY',
      level: 'WARN',
      description: denialOf({ title: titleOf(input), hostName, url, rule, reason }),
      once: `denied:${runId}:${at}`,
    });
  }
}

const refusal = (detail: RegistrationRefusal): ApplicationFailure =>
  ApplicationFailure.create({
    type: REGISTRATION_REFUSED,
    message: detail.message,
    nonRetryable: true,
    details: [detail],
  });

const about = ({ format, templateId, userId, accountId }: RegistrationInput) => ({
  type: format === 'ISO' ? 'ISO.CREATE' : 'TEMPLATE.CREATE',
  userUuid: userId,
  accountUuid: accountId,
  resourceType: format === 'ISO' ? ('ISO' as const) : ('VirtualMachineTemplate' as const),
  resourceUuid: templateId,
  workflowId: activityInfo().workflowExecution?.workflowId ?? '',
});
