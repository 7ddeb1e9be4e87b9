/** Servers of tests are on loopback, which hosts refuse until their configuration opens it. */
import { LOOPBACK } from '../../model/url-policy.ts';

export const onLoopback = { policy: { openAddresses: LOOPBACK } } as const;

/** The same as a setting of a host worker. */
export const LOOPBACK_SETTING = LOOPBACK.join(',');
