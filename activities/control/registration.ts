/** The control side of a registration. */
import { activityInfo } from '@temporalio/activity';
import { hostsOutOfSync } from '../../db/certificates/certificates.ts';
import { denialOf, recordEvent } from '../../db/events/events.ts';
import { hostsToProbe } from '../../db/hosts/hosts.ts';
import {
  abandonRegistration,
  completeRegistration,
  demandsAllMirrors,
  recordRegistration,
} from '../../db/templates/registrations.ts';
import { preferCapable } from '../../model/capabilities.ts';
import { eventType, resourceTypeOf } from '../../model/event-types.ts';
import type { ProbeReport, RegistrationInput, RegistrationRefusal } from '../../model/payloads.ts';
import { judgeRegistration, type RegistrationVerdict } from '../../model/registration.ts';
import type { SourceCheckResult } from '../../model/source-check.ts';
import { titleOf } from '../../model/title.ts';
import { workflowId } from '../context.ts';
import { readSigned } from './answers.ts';
import { addressTo } from './sealing.ts';
import type { ChosenHost } from './sealing.ts';
import type { ControlDeps } from './deps.ts';

export interface RecordedRegistration {
  /** The template was registered before. */
  readonly done: boolean;
  /** Absent when no host is Up. */
  readonly host?: ChosenHost;
  /** A zone of the template demands that every mirror answers. */
  readonly all?: boolean;
}

export interface RegistrationActivities {
  /** Inserts the rows of a template whose URL is to be probed, and chooses the first host for the probe. */
  recordRegistration(input: RegistrationInput): Promise<RecordedRegistration>;
  /** Activates the template when the host's report allows it; else answers why not. */
  completeRegistration(
    input: RegistrationInput,
    report: ProbeReport,
    hostName: string,
  ): Promise<{ readonly refusal?: RegistrationRefusal }>;
  /** What a registration would decide by the host's report. */
  judgeSource(input: RegistrationInput, report: ProbeReport, hostName: string): Promise<SourceCheckResult>;
  /** Removes the rows, without an event. */
  forgetRegistration(input: RegistrationInput): Promise<void>;
  /**
   * A random Up host of the template's zones, except those in `tried`; undefined when there is no other. Then it requests
   * the keystore workflows of hosts that only lack certificates.
   */
  chooseProbeHost(input: RegistrationInput, tried: readonly string[]): Promise<ChosenHost | undefined>;
  /** Removes the rows, and records an event with the reason. */
  abandonRegistration(input: RegistrationInput, message: string): Promise<void>;
}

/** Keystore workflows that one choice requests. */
const MAX_KEYSTORE_REQUESTS = 5;

export function createRegistrationActivities(deps: ControlDeps): RegistrationActivities {
  const { db, orchestration } = deps;
  const chooseProbeHost: RegistrationActivities['chooseProbeHost'] = async (input, tried) => {
    const { templateId, zoneIds, url, format } = input;
    const hosts = await hostsToProbe(db, zoneIds, tried);
    const [host] = preferCapable(hosts, { url, format, compression: null });
    if (host === undefined) {
      const outOfSync = await hostsOutOfSync(db, MAX_KEYSTORE_REQUESTS, zoneIds);
      await Promise.all(outOfSync.map(({ hostId, name }) => orchestration.requestKeystore(hostId, name)));
    }
    return host && addressTo(host, templateId, deps);
  };

  return {
    chooseProbeHost,

    async recordRegistration(input) {
      if ((await recordRegistration(db, input)) === 'Active') return { done: true };
      const host = await chooseProbeHost(input, []);
      const all = await demandsAllMirrors(db, input.templateId);
      return { done: false, all, ...(host === undefined ? {} : { host }) };
    },

    async completeRegistration(input, answer, hostName) {
      const { verdict, report } = await judge(deps, input, answer, hostName);
      if (!verdict.accepted) return { refusal: refusalOf(verdict, hostName, report) };
      await completeRegistration(db, input.templateId, verdict);
      await recordEvent(db, {
        ...about(input),
        description: `${titleOf(input)} was registered; its source has ${verdict.size} bytes`,
        host: { id: report.hostId, name: hostName },
        once: `registered:${input.templateId}`,
      });
      return {};
    },

    async judgeSource(input, answer, hostName) {
      const { verdict, report } = await judge(deps, input, answer, hostName);
      if (!verdict.accepted) return { v: 1, refusal: refusalOf(verdict, hostName, report) };
      const { size, virtualSize, mirrors, compression, checksum } = verdict;
      return {
        v: 1,
        found: {
          hostName,
          size,
          virtualSize,
          mirrors,
          ...(compression === undefined ? {} : { compression }),
          ...(checksum === undefined ? {} : { checksum }),
        },
      };
    },

    async forgetRegistration({ templateId }) {
      await abandonRegistration(db, templateId);
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

async function judge(
  deps: ControlDeps,
  input: RegistrationInput,
  answer: ProbeReport,
  hostName: string,
): Promise<{ readonly verdict: RegistrationVerdict; readonly report: ProbeReport }> {
  const report = await readSigned(deps.db, ['probe'], answer);
  await recordDenials(deps, input, report, hostName);
  const wanted = {
    demandAllMirrors: await demandsAllMirrors(deps.db, input.templateId),
    ...(input.checksum === undefined ? {} : { checksum: input.checksum }),
  };
  return { verdict: judgeRegistration(wanted, report), report };
}

const refusalOf = (
  { message, apiCode }: Extract<RegistrationVerdict, { accepted: false }>,
  hostName: string,
  { hostId, urls }: ProbeReport,
): RegistrationRefusal => ({ v: 1, message, apiCode, hostName, hostId, urls });

/** Records each URL that the URL policy refused, also when the registration succeeds with another mirror. */
async function recordDenials(
  { db }: ControlDeps,
  input: RegistrationInput,
  { hostId, urls }: ProbeReport,
  hostName: string,
): Promise<void> {
  const { runId } = activityInfo().workflowExecution ?? {};
  for (const [at, { url, rule, reason }] of urls.entries()) {
    if (rule === undefined) continue;
    await recordEvent(db, {
      ...about(input),
      type: eventType(input, 'URL.DENY'),
      level: 'WARN',
      description: denialOf({ title: titleOf(input), who: 'the host', url, rule, reason }),
      host: { id: hostId, name: hostName },
      once: `denied:${runId}:${at}`,
    });
  }
}

const about = (input: RegistrationInput) => ({
  type: eventType(input, 'CREATE'),
  userUuid: input.userId,
  accountUuid: input.accountId,
  resourceType: resourceTypeOf(input),
  resourceUuid: input.templateId,
  workflowId: workflowId(),
});
