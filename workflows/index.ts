/** Every workflow: what the control worker can run. */
export { deletion } from './deletion.ts';
export { deployment } from './deployment.ts';
export { hostLimits } from './host-limits.ts';
export { join } from './join.ts';
export { registration } from './registration.ts';
export { removal } from './removal.ts';
export { upkeep } from './upkeep.ts';
