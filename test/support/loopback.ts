/** Opens loopback for fetching: the servers of tests are there, and hosts refuse it by default. */
import { LOOPBACK } from '../../model/url-policy.ts';

export const onLoopback = { policy: { openAddresses: LOOPBACK } } as const;

/** The same as a setting of a host worker. */
export const LOOPBACK_SETTING = LOOPBACK.join(',');
