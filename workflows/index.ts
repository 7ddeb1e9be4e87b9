/** Every workflow that the control worker runs. Each export's name is a workflow type (model/names.ts). */
import {
  certificateInput,
  copyInput,
  deletionInput,
  hostLimitsInput,
  hostReportsInput,
  joinInput,
  keystoreInput,
  peersInput,
  registrationInput,
  removalInput,
  rolloutInput,
  upkeepInput,
  verificationInput,
  verificationsInput,
} from '../model/messages/inputs.ts';
import { cleanupInput } from '../model/messages/pool-files.ts';
import { consoleLogInput, domainsInput, vmInput } from '../model/messages/vms.ts';
import { certificate as runCertificate } from './certificate/certificate.ts';
import { cleanup as runCleanup } from './pool/cleanup.ts';
import { consoleLog as runConsoleLog } from './vm/console-log.ts';
import { deletion as runDeletion } from './template/deletion.ts';
import { deployment as runDeployment } from './copy/deployment.ts';
import { domains as runDomains } from './host/domains.ts';
import { hostLimits as runHostLimits } from './host/limits.ts';
import { hostReports as runHostReports } from './host/reports.ts';
import { join as runJoin } from './host/join.ts';
import { keystore as runKeystore } from './host/keystore.ts';
import { peers as runPeers } from './host/peers.ts';
import { registration as runRegistration } from './template/registration.ts';
import { removal as runRemoval } from './copy/removal.ts';
import { rollout as runRollout } from './rollout/rollout.ts';
import { withParsedInput } from './run-input.ts';
import { sourceCheck as runSourceCheck } from './template/source-check.ts';
import { upkeep as runUpkeep } from './upkeep.ts';
import { verification as runVerification } from './copy/verification.ts';
import { verifications as runVerifications } from './pool/verifications.ts';
import { vm as runVm } from './vm/vm.ts';

export const certificate = withParsedInput(certificateInput, runCertificate);
export const cleanup = withParsedInput(cleanupInput, runCleanup);
export const consoleLog = withParsedInput(consoleLogInput, runConsoleLog);
export const deletion = withParsedInput(deletionInput, runDeletion);
export const deployment = withParsedInput(copyInput, runDeployment);
export const domains = withParsedInput(domainsInput, runDomains);
export const hostLimits = withParsedInput(hostLimitsInput, runHostLimits);
export const hostReports = withParsedInput(hostReportsInput, runHostReports);
export const join = withParsedInput(joinInput, runJoin);
export const keystore = withParsedInput(keystoreInput, runKeystore);
export const peers = withParsedInput(peersInput, runPeers);
export const registration = withParsedInput(registrationInput, runRegistration);
export const removal = withParsedInput(removalInput, runRemoval);
export const rollout = withParsedInput(rolloutInput, runRollout);
export const sourceCheck = withParsedInput(registrationInput, runSourceCheck);
export const upkeep = withParsedInput(upkeepInput, runUpkeep);
export const verification = withParsedInput(verificationInput, runVerification);
export const verifications = withParsedInput(verificationsInput, runVerifications);
export const vm = withParsedInput(vmInput, runVm);
