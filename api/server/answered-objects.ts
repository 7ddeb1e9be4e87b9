/**
 * The objects that answers are made of, by their names in the OpenAPI document. CLI and page have a type of the same name
 * for each: `npm run docs` writes them to `model/api-answers.ts`.
 */
import { CHECKED_MIRROR, SOURCE } from '../commands/templates/check-template-source.ts';
import { PROBED_MIRROR, REGISTRATION } from '../commands/templates/get-template-registration.ts';
import { SUMMARY, THROUGHPUT } from '../commands/deployments/get-template-deployment-summary.ts';
import { CAPABILITY } from '../commands/system/list-capabilities.ts';
import { ACCOUNT, USER, USER_KEYS } from '../fields/answers/account.ts';
import { CERTIFICATE, HOST_STATUS } from '../fields/answers/certificate.ts';
import { CONFIGURATION } from '../fields/answers/configuration.ts';
import { ATTEMPT, DEPLOYMENT } from '../fields/answers/deployment.ts';
import { HOST, HOST_NETWORK, HOST_OF_POOL, PROGRAM, STORAGE_POOL } from '../fields/answers/host.ts';
import { DEPLOYED_COPY, EVENT, JOB_OUTCOME, JOB_RESULT } from '../fields/answers/job.ts';
import { CAPACITY } from '../commands/zones/list-capacity.ts';
import { INSTANCE_GROUP, NEW_SSH_KEY_PAIR, SSH_KEY_PAIR, USER_DATA } from '../fields/answers/key.ts';
import { NETWORK, NETWORK_OFFERING, NETWORK_SERVICE } from '../fields/answers/network.ts';
import { DISK_OFFERING, SERVICE_OFFERING } from '../fields/answers/offering.ts';
import { CLUSTER, OS_CATEGORY, OS_TYPE, POD, ZONE } from '../fields/answers/places.ts';
import { ROLE } from '../fields/answers/role.ts';
import { ROLLOUT, ROLLOUT_ERROR, ROLLOUT_OUTCOME } from '../fields/answers/rollout.ts';
import { MIRROR, POOL_OF_TEMPLATE, TAG, TEMPLATE } from '../fields/answers/template.ts';
import { CLEANED, STORAGE_POOL_FILE } from '../fields/answers/pool-file.ts';
import { NIC } from '../fields/answers/nic.ts';
import { CONSOLE_LOG } from '../commands/vms/get-virtual-machine-console-log.ts';
import { VOLUME } from '../fields/answers/volume.ts';
import { VIRTUAL_MACHINE } from '../fields/answers/vm.ts';
import { INSPECTION } from '../fields/answers/inspection.ts';
import type { FieldDocs } from '../fields/response.ts';

export const ANSWERED_OBJECTS = {
  Account: ACCOUNT,
  AsyncJob: JOB_RESULT,
  Attempt: ATTEMPT,
  Capability: CAPABILITY,
  Capacity: CAPACITY,
  Certificate: CERTIFICATE,
  CertificateOnHost: HOST_STATUS,
  CheckedMirror: CHECKED_MIRROR,
  CleanedFile: CLEANED,
  Cluster: CLUSTER,
  Configuration: CONFIGURATION,
  ConsoleLog: CONSOLE_LOG,
  DeployedCopy: DEPLOYED_COPY,
  Deployment: DEPLOYMENT,
  DeploymentSummary: SUMMARY,
  DiskOffering: DISK_OFFERING,
  Host: HOST,
  HostNetwork: HOST_NETWORK,
  HostOfPool: HOST_OF_POOL,
  Inspection: INSPECTION,
  InstanceGroup: INSTANCE_GROUP,
  JobOutcome: JOB_OUTCOME,
  Mirror: MIRROR,
  Nic: NIC,
  Network: NETWORK,
  NewSshKeyPair: NEW_SSH_KEY_PAIR,
  NetworkOffering: NETWORK_OFFERING,
  NetworkService: NETWORK_SERVICE,
  OsCategory: OS_CATEGORY,
  OsType: OS_TYPE,
  Pod: POD,
  PoolOfTemplate: POOL_OF_TEMPLATE,
  ProbedMirror: PROBED_MIRROR,
  Program: PROGRAM,
  RecordedEvent: EVENT,
  Registration: REGISTRATION,
  Role: ROLE,
  Rollout: ROLLOUT,
  RolloutError: ROLLOUT_ERROR,
  RolloutOutcome: ROLLOUT_OUTCOME,
  ServiceOffering: SERVICE_OFFERING,
  SourceCheck: SOURCE,
  SshKeyPair: SSH_KEY_PAIR,
  StoragePool: STORAGE_POOL,
  StoragePoolFile: STORAGE_POOL_FILE,
  Tag: TAG,
  Template: TEMPLATE,
  Throughput: THROUGHPUT,
  User: USER,
  UserData: USER_DATA,
  UserKeys: USER_KEYS,
  VirtualMachine: VIRTUAL_MACHINE,
  Volume: VOLUME,
  Zone: ZONE,
} as const satisfies Readonly<Record<string, FieldDocs>>;

/** Objects that may have fields which their description does not list. */
export const OPEN_OBJECTS: ReadonlySet<FieldDocs> = new Set([DEPLOYED_COPY, JOB_OUTCOME]);
