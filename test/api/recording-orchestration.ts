/** Stands in for the workflows of the api: it records each request, and writes the rows that the workflows would write. */
import { randomUUID } from 'node:crypto';
import { keystorePlan, recordHeld } from '../../db/certificates/certificates.ts';
import type { Database } from '../../db/database.ts';
import {
  abandonRegistration,
  completeRegistration,
  recordRegistration,
} from '../../db/templates/registrations.ts';
import type { RegistrationInput } from '../../model/payloads.ts';
import type { RegistrationVerdict } from '../../model/registration.ts';
import type { ConsoleLogAnswer } from '../../model/vm-payloads.ts';
import type { ApiOrchestration } from '../../api/server/command.ts';
import type { LiveCopy, LiveRegistration } from '../../orchestration/live.ts';
import type { RegistrationOutcome } from '../../orchestration/start-registration.ts';

// What an answer holds is looked at from case to case.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export const SIZE = 1_000_000;
export const VIRTUAL_SIZE = 21_474_836_480;

const accepted = ({
  url,
  checksum,
}: RegistrationInput): Extract<RegistrationVerdict, { accepted: true }> => ({
  accepted: true,
  size: SIZE,
  virtualSize: VIRTUAL_SIZE,
  mirrors: [
    {
      url,
      reachable: true,
      size: SIZE,
      virtualSize: VIRTUAL_SIZE,
      ranges: true,
      priority: 1,
      location: 'de',
      evidence: { looked: 'head', fileSize: SIZE, found: ['qcow2'] },
    },
    {
      url: `${url}.dead`,
      reachable: false,
      reason: 'answered 404',
      size: 0,
      virtualSize: 0,
      ranges: false,
      priority: 2,
    },
  ],
  ...(checksum === undefined ? {} : { checksum }),
});

export async function writeTemplate(db: Database, input: RegistrationInput): Promise<void> {
  await recordRegistration(db, input);
  await completeRegistration(db, input.templateId, accepted(input));
}

export interface Asked {
  readonly what: keyof ApiOrchestration;
  readonly args: readonly unknown[];
}

export interface RecordingOrchestration extends ApiOrchestration {
  readonly asked: Asked[];
  /** The arguments of the calls of one kind. */
  of(what: keyof ApiOrchestration): readonly Json[];
  /** The outcome of a registration. Default: accepted. */
  onRegister: ((input: RegistrationInput) => Promise<RegistrationOutcome>) | undefined;
  /** While set, every request throws it. */
  failure: Error | undefined;
  running: boolean;
  copies: Map<string, LiveCopy>;
  /** By template id. */
  registrations: Map<string, LiveRegistration>;
  /** The answer to every request for a console log; undefined: the host does not answer. */
  log: ConsoleLogAnswer | undefined;
  forget(): void;
}

export function recordOrchestration(db: Database): RecordingOrchestration {
  const asked: Asked[] = [];
  const note = (what: keyof ApiOrchestration, ...args: readonly unknown[]): void => {
    asked.push({ what, args });
    if (recording.failure !== undefined) throw recording.failure;
  };
  const recording: RecordingOrchestration = {
    asked,
    of: (what) => asked.filter((call) => call.what === what).map(({ args }) => args[0]),
    onRegister: undefined,
    failure: undefined,
    running: true,
    copies: new Map(),
    registrations: new Map(),
    log: undefined,
    forget() {
      asked.length = 0;
      Object.assign(recording, {
        onRegister: undefined,
        failure: undefined,
        running: true,
        copies: new Map(),
        registrations: new Map(),
        log: undefined,
      });
    },
    async register(input, waitMs) {
      note('register', input, waitMs);
      if (recording.onRegister !== undefined) return recording.onRegister(input);
      await writeTemplate(db, input);
      return { outcome: 'active' };
    },
    async checkSource(input, waitMs) {
      note('checkSource', input, waitMs);
      const { size, virtualSize, mirrors } = accepted(input);
      await abandonRegistration(db, input.templateId);
      return { v: 1, found: { hostName: 'host1', size, virtualSize, mirrors } };
    },
    async requestDeployment(copy, options) {
      note('requestDeployment', copy, options);
    },
    async requestRollout(rollout) {
      note('requestRollout', rollout);
    },
    async requestStop(copy, request) {
      note('requestStop', copy, request);
      return recording.running;
    },
    async requestRemoval(copy, { by }) {
      note('requestRemoval', copy, by);
    },
    async requestDeletion(input) {
      note('requestDeletion', input);
    },
    async requestVm(vmId, name) {
      note('requestVm', vmId, name);
    },
    async consoleLog(machine, bytes, waitMs) {
      note('consoleLog', machine, bytes, waitMs);
      return recording.log;
    },
    async handOver(copies, hostId) {
      note('handOver', copies, hostId);
    },
    async requestHostLimits(hostId) {
      note('requestHostLimits', hostId);
    },
    async live(copies) {
      note('live', copies);
      return recording.copies;
    },
    async requestCleanup(zoneId) {
      note('requestCleanup', zoneId);
    },
    async requestPeers(zoneId) {
      note('requestPeers', zoneId);
    },
    async requestKeystore(hostId) {
      note('requestKeystore', hostId);
    },
    async syncCertificate(certificate, hostIds) {
      note('syncCertificate', certificate, hostIds);
      for (const hostId of hostIds) await settle(db, hostId);
    },
    async registration(templateId) {
      note('registration', templateId);
      return recording.registrations.get(templateId);
    },
    async isRunning(id) {
      note('isRunning', id);
      return recording.running;
    },
  };
  return recording;
}

/** Plays the hosts that are Up and Enabled: each applies its wanted certificates and reports them. */
async function settle(db: Database, hostId: string): Promise<void> {
  const plan = await keystorePlan(db, hostId);
  if (plan?.up !== true || !plan.enabled) return;
  const rows = await db
    .selectFrom('direct_download_certificate')
    .where('uuid', 'in', [randomUUID(), ...plan.certificates.map(({ uuid }) => uuid)])
    .select(['alias', 'digest'])
    .execute();
  await recordHeld(db, hostId, rows);
}
