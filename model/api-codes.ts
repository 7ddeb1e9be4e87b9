/** The error codes of CloudStack's API. Each is the HTTP status of its answer as well. */
export const apiCodes = {
  unauthorized: 401,
  limit: 429,
  malformed: 430,
  parameter: 431,
  unsupported: 432,
  internal: 530,
  permission: 531,
  resourceLimit: 532,
  capacity: 533,
  unavailable: 534,
  /** A limit of a resource of virtual machines is reached; `resourceLimit` is that of templates. */
  allocation: 535,
  inUse: 536,
} as const;
