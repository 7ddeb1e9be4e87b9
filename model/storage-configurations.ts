/** Settings of zones about the upkeep of storage pools: cleanup and verification. */
import { count, flag, MAX_SECONDS, valueOf } from './configuration-kinds.ts';
import type { ConfigurationValues, Definition } from './configuration-kinds.ts';

/** CloudStack's, which are of the installation there. */
const CLEANUP = {
  enabled: flag(
    'storage.cleanup.enabled',
    'whether the files of storage pools are compared with the database from time to time, and what ended downloads left is removed',
    'true',
  ),
  interval: count('storage.cleanup.interval', 'seconds between two looks at the files of a storage pool', {
    fallback: 86_400,
    most: MAX_SECONDS,
  }),
  copies: flag(
    'storage.template.cleanup.enabled',
    'whether a look also removes copies of templates and ISOs that no virtual machine uses and that nobody has asked for during storage.cleanup.delay',
  ),
  delay: count(
    'storage.cleanup.delay',
    'seconds that a copy must have been unused, counted from the look that found it so, before it is removed',
    { fallback: 86_400, most: MAX_SECONDS },
  ),
} as const;

const VERIFICATION = {
  interval: count(
    'storage.verification.interval',
    'days after which the file of a copy is hashed again and compared with what was published; 0 for never',
    { fallback: 90, most: 36_500 },
  ),
  rate: count(
    'storage.verification.rate',
    'bytes per second that a host reads at most to verify copies, one at a time; 0 for no limit',
    { fallback: 20_971_520, most: MAX_SECONDS },
  ),
} as const;

export const STORAGE: readonly Definition[] = [...Object.values(CLEANUP), ...Object.values(VERIFICATION)];

export interface CleanupRules {
  readonly enabled: boolean;
  /** Seconds. */
  readonly interval: number;
  readonly delay: number;
  /** Whether copies that nobody uses are removed. */
  readonly copies: boolean;
}

export interface VerificationRules {
  /** Days; 0: never. */
  readonly interval: number;
  /** Bytes per second of one host; 0: no limit. */
  readonly rate: number;
}

/** How often the copies of a zone are verified, and how fast. */
export const verificationRulesOf = (values: ConfigurationValues): VerificationRules => ({
  interval: Number(valueOf(values, VERIFICATION.interval)),
  rate: Number(valueOf(values, VERIFICATION.rate)),
});

/** How the pools of a zone are kept clean. */
export const cleanupRulesOf = (values: ConfigurationValues): CleanupRules => ({
  enabled: valueOf(values, CLEANUP.enabled) === 'true',
  interval: Number(valueOf(values, CLEANUP.interval)),
  delay: Number(valueOf(values, CLEANUP.delay)),
  copies: valueOf(values, CLEANUP.copies) === 'true',
});
