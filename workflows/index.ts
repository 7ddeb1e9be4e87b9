/** Every workflow: what the control worker can run. */
export { certificate } from './certificate.ts';
export { deletion } from './deletion.ts';
export { deployment } from './deployment.ts';
export { hostLimits } from './host-limits.ts';
export { join } from './join.ts';
export { keystore } from './keystore.ts';
export { registration } from './registration.ts';
export { removal } from './removal.ts';
export { upkeep } from './upkeep.ts';
