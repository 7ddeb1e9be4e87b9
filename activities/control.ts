/** What the control worker does for workflows: the database, the choice of hosts, other workflows. */
import { createAnswerActivities } from './control-answers.ts';
import type { AnswerActivities } from './control-answers.ts';
import { createCertificateActivities } from './control-certificates.ts';
import type { CertificateActivities } from './control-certificates.ts';
import { createCopyActivities } from './control-copies.ts';
import type { CopyActivities } from './control-copies.ts';
import { createDeletionActivities } from './control-deletion.ts';
import type { DeletionActivities } from './control-deletion.ts';
import { readable } from './control-failures.ts';
import { createHostChoice } from './control-host-choice.ts';
import type { HostChoiceActivities } from './control-host-choice.ts';
import { createHostRecords } from './control-hosts.ts';
import type { HostRecordActivities } from './control-hosts.ts';
import { createRegistrationActivities } from './control-registration.ts';
import type { RegistrationActivities } from './control-registration.ts';
import { createUpkeepActivities } from './control-upkeep.ts';
import type { UpkeepActivities } from './control-upkeep.ts';
import type { Database } from '../db/database.ts';
import type { Orchestration } from '../orchestration/client.ts';
import type { MasterKey } from '../trust/master-key.ts';

export interface ControlDeps {
  readonly db: Database;
  readonly orchestration: Orchestration;
  readonly masterKey: MasterKey;
}

/** Every one of them may be run twice for one call: the second time changes nothing. */
export type ControlActivities = AnswerActivities &
  RegistrationActivities &
  HostChoiceActivities &
  CopyActivities &
  DeletionActivities &
  CertificateActivities &
  HostRecordActivities &
  UpkeepActivities;

export const createControlActivities = (deps: ControlDeps): ControlActivities =>
  readable({
    ...createAnswerActivities(deps),
    ...createRegistrationActivities(deps),
    ...createHostChoice(deps),
    ...createCopyActivities(deps),
    ...createDeletionActivities(deps),
    ...createCertificateActivities(deps),
    ...createHostRecords(deps),
    ...createUpkeepActivities(deps),
  });
