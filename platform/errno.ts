/** The code of a system error, such as ENOENT; undefined for other errors. */
export const errnoOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | undefined)?.code;
