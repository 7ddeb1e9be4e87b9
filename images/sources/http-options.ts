/** Settings of the HTTP source. */
import { BUDGETS } from './budgets.ts';
import type { Budgets } from './budgets.ts';
import { createGuard } from './guard.ts';
import type { Guard, GuardOptions } from './guard.ts';
import { fixedTrust } from './trust.ts';
import type { Trust } from './trust.ts';

const SYSTEM_TRUST = fixedTrust();

/** What is not given of the budgets is as BUDGETS says. */
export interface HttpOptions extends Partial<Budgets>, GuardOptions {
  /** Redirects followed for one request. Default 10. */
  readonly maxRedirects?: number;
  /** Instead of one by the options. */
  readonly guard?: Guard;
  /** Default: the authorities of the system. */
  readonly trust?: Trust;
}

export type HttpSettings = Required<Omit<HttpOptions, keyof GuardOptions>>;

export const httpSettings = (options: HttpOptions): HttpSettings => ({
  ...BUDGETS,
  maxRedirects: 10,
  trust: SYSTEM_TRUST,
  ...options,
  guard: options.guard ?? createGuard(options),
});
