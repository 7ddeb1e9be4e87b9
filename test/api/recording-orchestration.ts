/** The seam between the api and its workflows: it writes down what it is asked, and writes the rows they would. */
import { randomUUID } from 'node:crypto';
import { keystorePlan, recordHeld } from '../../db/certificates.ts';
import type { Database } from '../../db/database.ts';
import { completeRegistration, recordRegistration } from '../../db/registrations.ts';
import type { RegistrationInput } from '../../model/payloads.ts';
import type { Verdict } from '../../model/registration.ts';
import type { ApiOrchestration } from '../../api/command.ts';
import type { LiveCopy, LiveRegistration, RegistrationOutcome } from '../../orchestration/client.ts';

// What an answer holds is looked at from case to case.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export const SIZE = 1_000_000;
export const VIRTUAL_SIZE = 21_474_836_480;

const accepted = ({ url, checksum }: RegistrationInput): Extract<Verdict, { accepted: true }> => ({
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
  /** What a registration comes to; without it, it is accepted. */
  onRegister: ((input: RegistrationInput) => Promise<RegistrationOutcome>) | undefined;
  /** Thrown by everything that is asked, while set. */
  failure: Error | undefined;
  running: boolean;
  copies: Map<string, LiveCopy>;
  /** By template id. */
  registrations: Map<string, LiveRegistration>;
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
    forget() {
      asked.length = 0;
      Object.assign(recording, {
        onRegister: undefined,
        failure: undefined,
        running: true,
        copies: new Map(),
        registrations: new Map(),
      });
    },
    async register(input, waitMs) {
      note('register', input, waitMs);
      if (recording.onRegister !== undefined) return recording.onRegister(input);
      await writeTemplate(db, input);
      return { outcome: 'active' };
    },
    async requestDeployment(copy, summary) {
      note('requestDeployment', copy, summary);
    },
    async requestStop(copy, request) {
      note('requestStop', copy, request);
      return recording.running;
    },
    async requestRemoval(copy, by, _at) {
      note('requestRemoval', copy, by);
    },
    async requestDeletion(input) {
      note('requestDeletion', input);
    },
    async requestHostLimits(hostId) {
      note('requestHostLimits', hostId);
    },
    async live(copies) {
      note('live', copies);
      return recording.copies;
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

/** A host that is Up and Enabled takes what it is to hold, and reads it back. */
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
