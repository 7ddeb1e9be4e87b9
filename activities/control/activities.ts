/** The activities of the control worker: the database, the choice of hosts, other workflows. */
import { createAnswerActivities } from './answers.ts';
import type { AnswerActivities } from './answers.ts';
import { createCertificateActivities } from './certificates.ts';
import type { CertificateActivities } from './certificates.ts';
import { createCleanupActivities } from './cleanup.ts';
import type { CleanupActivities } from './cleanup.ts';
import { createCopyActivities } from './copies.ts';
import type { CopyActivities } from './copies.ts';
import { createDeletionActivities } from './deletion.ts';
import type { DeletionActivities } from './deletion.ts';
import type { ControlDeps } from './deps.ts';
import { withFinalErrors } from './final-errors.ts';
import { createHostChoice } from './host-choice.ts';
import type { HostChoiceActivities } from './host-choice.ts';
import { createHostRecords } from './hosts.ts';
import type { HostRecordActivities } from './hosts.ts';
import { createPeerActivities } from './peers.ts';
import type { PeerActivities } from './peers.ts';
import { createPlaceActivities } from './places.ts';
import type { PlaceActivities } from './places.ts';
import { createRegistrationActivities } from './registration.ts';
import type { RegistrationActivities } from './registration.ts';
import { createReportActivities } from './reports.ts';
import type { ReportActivities } from './reports.ts';
import { createRolloutActivities } from './rollouts.ts';
import type { RolloutActivities } from './rollouts.ts';
import { createSourceActivities } from './sources.ts';
import type { SourceActivities } from './sources.ts';
import { createUpkeepActivities } from './upkeep.ts';
import type { UpkeepActivities } from './upkeep.ts';
import { createDomainActivities } from './domains.ts';
import type { DomainActivities } from './domains.ts';
import { createVerificationActivities } from './verifications.ts';
import type { VerificationActivities } from './verifications.ts';
import { createVmChangeActivities } from './vm-changes.ts';
import type { VmChangeActivities } from './vm-changes.ts';
import { createVmStartActivities } from './vm-starts.ts';
import type { VmStartActivities } from './vm-starts.ts';
import { createVmTaskActivities } from './vms.ts';
import type { VmTaskActivities } from './vms.ts';

/** Temporal may run an activity twice for one call: the second run must change nothing. */
export type ControlActivities = AnswerActivities &
  RegistrationActivities &
  HostChoiceActivities &
  SourceActivities &
  PlaceActivities &
  VerificationActivities &
  CopyActivities &
  CleanupActivities &
  DeletionActivities &
  CertificateActivities &
  HostRecordActivities &
  PeerActivities &
  ReportActivities &
  RolloutActivities &
  UpkeepActivities &
  VmTaskActivities &
  VmStartActivities &
  VmChangeActivities &
  DomainActivities;

export const createControlActivities = (deps: ControlDeps): ControlActivities =>
  withFinalErrors({
    ...createAnswerActivities(deps),
    ...createRegistrationActivities(deps),
    ...createHostChoice(deps),
    ...createSourceActivities(deps),
    ...createPlaceActivities(deps),
    ...createVerificationActivities(deps),
    ...createCopyActivities(deps),
    ...createCleanupActivities(deps),
    ...createDeletionActivities(deps),
    ...createCertificateActivities(deps),
    ...createHostRecords(deps),
    ...createPeerActivities(deps),
    ...createReportActivities(deps),
    ...createRolloutActivities(deps),
    ...createUpkeepActivities(deps),
    ...createVmTaskActivities(deps),
    ...createVmStartActivities(deps),
    ...createVmChangeActivities(deps),
    ...createDomainActivities(deps),
  });
