/** The control side of a registration. */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { recordEvent } from '../db/events.ts';
import {
  abandonRegistration,
  completeRegistration,
  demandsAllMirrors,
  recordRegistration,
} from '../db/registrations.ts';
import { REGISTRATION_REFUSED } from '../model/names.ts';
import type { ProbeReport, RegistrationInput, RegistrationRefusal } from '../model/payloads.ts';
import { judgeRegistration } from '../model/registration.ts';
import type { ControlDeps } from './control.ts';

export interface RegistrationActivities {
  /** Writes the rows of a template to be checked. @returns whether it was registered already */
  recordRegistration(input: RegistrationInput): Promise<{ readonly done: boolean }>;
  /**
   * Makes the template usable, if what the host found allows it.
   * @throws ApplicationFailure REGISTRATION_REFUSED with the reason
   */
  completeRegistration(input: RegistrationInput, report: ProbeReport, hostName: string): Promise<void>;
  /** Removes what was written. */
  abandonRegistration(input: RegistrationInput, message: string): Promise<void>;
}

export function createRegistrationActivities({ db }: ControlDeps): RegistrationActivities {
  return {
    async recordRegistration(input) {
      const state = await recordRegistration(db, input);
      return { done: state === 'Active' };
    },

    async completeRegistration(input, report, hostName) {
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

const refusal = (detail: RegistrationRefusal): ApplicationFailure =>
  ApplicationFailure.create({
    type: REGISTRATION_REFUSED,
    message: detail.message,
    nonRetryable: true,
    details: [detail],
  });

const titleOf = ({ format, name }: RegistrationInput): string =>
  `${format === 'ISO' ? 'ISO' : 'Template'} ${name}`;

const about = ({ format, templateId, userId, accountId }: RegistrationInput) => ({
  type: format === 'ISO' ? 'ISO.CREATE' : 'TEMPLATE.CREATE',
  userUuid: userId,
  accountUuid: accountId,
  resourceType: format === 'ISO' ? ('ISO' as const) : ('VirtualMachineTemplate' as const),
  resourceUuid: templateId,
  workflowId: activityInfo().workflowExecution?.workflowId ?? '',
});
