/** Inputs of workflows. Fields that only a newer release knows stay, since an input is handed on to the next run. */
import * as z from 'zod/mini';
import type { CertificateInput, KeystoreInput } from '../certificate-jobs.ts';
import type { History } from '../decisions.ts';
import type { JoinRequest } from '../joining.ts';
import type {
  Carried,
  CopyInput,
  DeletionInput,
  HostLimitsInput,
  RegistrationInput,
  RemovalInput,
} from '../payloads.ts';
import type { RolloutInput, RolloutTiming } from '../rollout.ts';
import type { PeerFailures, PeersInput } from '../spread.ts';
import type { HostReportsInput, UpkeepInput } from '../upkeep.ts';
import type { VerificationInput, VerificationsInput } from '../verification.ts';
import { failure } from './failures.ts';
import { ifUnderstood, messageToHandOn, opaque, understood, version, whole } from './schema.ts';
import type { Schema } from './schema.ts';

const partOf = <T extends object>(): Schema<Partial<T>> =>
  z.custom<Partial<T>>((given) => typeof given === 'object' && given !== null);

/** Rules of a newer release are no mistake of the input: they are that release's to go on with. */
export const runParameters = {
  rules: opaque(z.optional(whole(1))),
  timing: opaque(z.optional(partOf<never>())),
};

const id = (): Schema<string> => z.string();
const ids = understood(id());

export const registrationInput = messageToHandOn<RegistrationInput>({
  v: version(),
  ...runParameters,
  templateId: id(),
  accountId: id(),
  userId: id(),
  name: z.string(),
  displayText: z.string(),
  url: z.string(),
  format: z.enum(['QCOW2', 'RAW', 'ISO']),
  checksum: z.optional(z.string()),
  zoneIds: z.array(id()),
  allZones: z.boolean(),
  osTypeId: z.optional(z.string()),
  isPublic: z.boolean(),
  isFeatured: z.boolean(),
  isExtractable: z.boolean(),
  bootable: z.boolean(),
  requiresHvm: z.boolean(),
  passwordEnabled: z.boolean(),
  sshKeyEnabled: z.boolean(),
  dynamicallyScalable: z.boolean(),
  bits: z.number(),
  arch: z.optional(z.string()),
  templateTag: z.optional(z.string()),
  details: z.record(z.string(), z.string()),
});

const history = messageToHandOn<History>({
  excluded: ids,
  avoided: ids,
  sourceRounds: z.catch(whole(), 0),
  goneRounds: z.catch(whole(), 0),
  throttleRounds: z.catch(whole(), 0),
  askedRounds: ifUnderstood(whole()),
  spaceRounds: z.catch(whole(), 0),
  farthest: z.catch(whole(), 0),
});

const carried = messageToHandOn<Carried>({
  history,
  attempts: z.catch(whole(), 0),
  last: ifUnderstood(failure),
  peerFailures: ifUnderstood(
    messageToHandOn<PeerFailures>({
      hostIds: ids,
      strikes: ifUnderstood(whole()),
      sinceMs: ifUnderstood(whole()),
      farthest: whole(),
    }),
  ),
});

const copy = {
  v: version(),
  ...runParameters,
  templateId: id(),
  poolId: id(),
  priority: ifUnderstood(z.number()),
  carried: ifUnderstood(carried),
};

export const copyInput = messageToHandOn<CopyInput>(copy);

export const removalInput = messageToHandOn<RemovalInput>({
  ...copy,
  by: ifUnderstood(z.string()),
  idleSeconds: z.optional(whole()),
  wanted: ifUnderstood(z.boolean()),
  listeners: ifUnderstood(ids),
});

export const verificationInput = messageToHandOn<VerificationInput>({
  v: version(),
  ...runParameters,
  templateId: id(),
  poolId: id(),
  hostId: id(),
  hostName: z.string(),
  bytesPerSecond: ifUnderstood(whole()),
});

export const verificationsInput = messageToHandOn<VerificationsInput>({
  v: version(),
  ...runParameters,
  zoneId: id(),
});

export const deletionInput = messageToHandOn<DeletionInput>({
  v: version(),
  ...runParameters,
  templateId: id(),
  jobId: id(),
  userId: id(),
  accountId: id(),
});

export const hostLimitsInput = messageToHandOn<HostLimitsInput>({
  v: version(),
  ...runParameters,
  hostId: id(),
});

export const keystoreInput = messageToHandOn<KeystoreInput>({
  v: version(),
  ...runParameters,
  hostId: id(),
  listeners: ifUnderstood(ids),
});

export const certificateInput = messageToHandOn<CertificateInput>({
  v: version(),
  ...runParameters,
  certificateId: id(),
  alias: z.string(),
  left: ifUnderstood(ids),
});

export const peersInput = messageToHandOn<PeersInput>({
  v: version(),
  ...runParameters,
  zoneId: id(),
  sends: ifUnderstood(z.record(z.string(), whole())),
});

const backoff = z.object({ firstMs: z.number(), mostMs: z.number() });

export const rolloutInput = messageToHandOn<RolloutInput>({
  v: version(),
  jobId: id(),
  timing: messageToHandOn<RolloutTiming>({
    lookAgain: backoff,
    stalledMs: z.number(),
    mostOfLook: whole(1),
    requestMs: z.optional(z.number()),
  }),
});

export const hostReportsInput = messageToHandOn<HostReportsInput>({
  v: version(),
  ...runParameters,
  zoneId: id(),
  instead: ifUnderstood(partOf()),
  taken: ifUnderstood(whole()),
});

export const upkeepInput = messageToHandOn<UpkeepInput>({
  v: version(),
  ...runParameters,
  instead: ifUnderstood(partOf()),
  sweeps: ifUnderstood(whole()),
});

/** What the workflow reads of it. All of it is handed on as it came, since the host has signed it. */
export const joinInput = messageToHandOn<Pick<JoinRequest, 'hostId' | 'name' | 'incarnation'>>({
  hostId: id(),
  name: z.string(),
  incarnation: ifUnderstood(z.string()),
}) as Schema<JoinRequest>;
